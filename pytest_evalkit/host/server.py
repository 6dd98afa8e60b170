"""A server that answers by a backend: the OpenAI protocol, and our own besides it."""

from __future__ import annotations

import asyncio
import hmac
import socket
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from itertools import count
from typing import Any, NamedTuple

from pytest_evalkit.codec import CodecError, decode, encode
from pytest_evalkit.errors import (
    DatasetError,
    EvalkitError,
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
)
from pytest_evalkit.host.completions import complete
from pytest_evalkit.host.connection import HostConnection
from pytest_evalkit.host.failure import (
    as_model_error,
    failure_dict,
    headers_of,
    status_of,
)
from pytest_evalkit.host.openai_answer import (
    chat_choice,
    chat_events,
    text_events,
    usage_dict,
)
from pytest_evalkit.host.openai_request import chat_request
from pytest_evalkit.host.wire import (
    ASKS_FOR_DESCRIPTION,
    IDENTITY_PATH,
    REQUESTS_PATH,
    request_of,
    response_dict,
)
from pytest_evalkit.models.backend import (
    Backend,
    CompletionBackend,
    IdentifiedBackend,
    respond,
    without_identity,
)
from pytest_evalkit.serving import (
    LAST_CHUNK,
    Head,
    chunk,
    end_server,
    error_body,
    http_response,
    stream_head,
)

HEALTH_PATH = "/health"

_BACKLOG = 4096
# What takes longer to read than others should have to wait.
_LARGE_BYTES = 1 << 18

Payload = dict[str, Any]


class Bound(NamedTuple):
    """Where a server listens: a socket that does so already, or an address.

    Attributes:
        host: The address.
        port: The port; zero for a free one.
        listener: The socket, in place of both; or None.
    """

    host: str = "127.0.0.1"
    port: int = 0
    listener: socket.socket | None = None


class HostServer:
    """Serves one backend; requests are put to it as they come, all at once.

    Args:
        backend: Answers; closed by whoever made it.
        bound: Where to listen.
        api_key: What clients have to show, or None to answer anybody.

    Attributes:
        connections: The clients that are there.
        is_ready: False until the model answers; requests are put off meanwhile.
    """

    def __init__(
        self, backend: Backend, bound: Bound, *, api_key: str | None = None
    ) -> None:
        self.connections: set[asyncio.Transport] = set()
        self.is_ready = False
        self._backend = backend
        self._bound = bound
        self._key = api_key
        self._numbers = count(1)
        self._server: asyncio.Server | None = None
        self._posted: Mapping[str, Callable[[Payload], Awaitable[bytes]]] = {
            "/v1/chat/completions": self._chat,
            "/v1/completions": self._complete,
            "/tokenize": self._tokenize,
            REQUESTS_PATH: self._own,
            IDENTITY_PATH: self._identify,
        }

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:8000/v1``.

        Raises:
            RuntimeError: The server has not been started.
        """
        if self._server is None:
            raise RuntimeError("the host has no URL before it is started")
        name = self._server.sockets[0].getsockname()
        host = f"[{name[0]}]" if ":" in name[0] else name[0]
        return f"http://{host}:{name[1]}/v1"

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: The port is taken, or the address is not ours.
        """
        loop, bound = asyncio.get_running_loop(), self._bound
        if bound.listener is not None:
            self._server = await loop.create_server(
                lambda: HostConnection(self), sock=bound.listener, backlog=_BACKLOG
            )
            return
        self._server = await loop.create_server(
            lambda: HostConnection(self), bound.host, bound.port, backlog=_BACKLOG
        )

    async def stop(self) -> None:
        """Stop listening and drop all connections; a second time does nothing."""
        server, self._server = self._server, None
        if server is None:
            return
        await end_server(server, self.connections)

    async def respond(self, head: Head, body: bytes) -> bytes:
        """Answer a request with the bytes of a response."""
        try:
            return await self._routed(head, body)
        except asyncio.CancelledError:
            raise
        # Backends of users may raise anything; it is the request that failed.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            model_error = _told(error)
            status = status_of(model_error)
            text = error_body(str(model_error), status)
            return http_response(status, text, headers=headers_of(model_error))

    async def _routed(self, head: Head, body: bytes) -> bytes:
        if head.method == "GET" and head.path == HEALTH_PATH:
            return self._health()
        if not self._is_known(head):
            return _refusal(HTTPStatus.UNAUTHORIZED, "the key is not that of this host")
        if head.method == "GET" and head.path == "/v1/models":
            return http_response(HTTPStatus.OK, self._models())
        answer = self._posted.get(head.path) if head.method == "POST" else None
        if answer is None:
            where = f"{head.method} {head.path}"
            return _refusal(HTTPStatus.NOT_FOUND, f"there is no {where} here")
        if not self.is_ready:
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the model is being loaded")
        return await answer(await _payload(body))

    def _is_known(self, head: Head) -> bool:
        if self._key is None:
            return True
        shown = head.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(shown.encode(), self._key.encode())

    def _health(self) -> bytes:
        if self.is_ready:
            return http_response(HTTPStatus.OK, encode({"status": "ready"}))
        return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the model is being loaded")

    def _models(self) -> bytes:
        name = self._backend.model_name
        listed = {"id": name, "object": "model", "created": 0, "owned_by": "evalkit"}
        return encode({"object": "list", "data": [listed]})

    async def _own(self, payload: Payload) -> bytes:
        """Answer a process of ours: with values, and errors as they were raised."""
        try:
            request = await asyncio.to_thread(request_of, payload)
            response = await respond(self._backend, request)
            body: dict[str, Any] = {"response": response_dict(response)}
            if payload.get(ASKS_FOR_DESCRIPTION):
                body["description"] = self._backend.describe()
        except asyncio.CancelledError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - as in ``respond``
            told = error if isinstance(error, DatasetError) else _told(error)
            body = {"failure": failure_dict(told)}
        return http_response(HTTPStatus.OK, encode(body))

    async def _identify(self, _: Payload) -> bytes:
        """Tell a process of ours what decides the model's answers."""
        backend = self._backend
        if not isinstance(backend, IdentifiedBackend):
            raise ModelUnavailableError(without_identity(backend.model_name))
        return http_response(HTTPStatus.OK, encode(asdict(await backend.identity())))

    async def _chat(self, payload: Payload) -> bytes:
        self._require_model(payload)
        request = await asyncio.to_thread(chat_request, payload)
        response = await self._backend.generate(request)
        wanted = bool(payload.get("logprobs"))
        choice = chat_choice(response, with_logprobs=wanted)
        usage = usage_dict(response.usage)
        facts = self._facts("chat.completion")
        if not payload.get("stream"):
            return _whole({**facts, "choices": [choice], "usage": usage})
        facts["object"] = "chat.completion.chunk"
        return _stream(chat_events(facts, choice, _if_wanted(payload, usage)))

    async def _complete(self, payload: Payload) -> bytes:
        self._require_model(payload)
        choices, usage = await complete(self._backend, payload)
        facts = self._facts("text_completion")
        if not payload.get("stream"):
            return _whole({**facts, "choices": choices, "usage": usage_dict(usage)})
        if len(choices) > 1:
            raise RequestRejectedError("a stream has one prompt")
        counted = _if_wanted(payload, usage_dict(usage))
        return _stream(text_events(facts, choices[0], counted))

    async def _tokenize(self, payload: Payload) -> bytes:
        """Split a text, in the form of vLLM."""
        backend, prompt = self._backend, payload.get("prompt")
        if not isinstance(backend, CompletionBackend):
            return _refusal(HTTPStatus.NOT_FOUND, "the model tells no tokens")
        if not isinstance(prompt, str):
            raise RequestRejectedError("the field 'prompt' must be a text")
        special = bool(payload.get("add_special_tokens", True))
        tokens = await backend.tokenize(prompt, with_special=special)
        return _whole({"count": len(tokens), "tokens": list(tokens)})

    def _require_model(self, payload: Payload) -> None:
        """Refuse a request that is for another model.

        Raises:
            ModelUnavailableError: It is.
        """
        name = self._backend.model_name
        wanted = payload.get("model", name)
        if wanted != name:
            raise ModelUnavailableError(
                f"the model {wanted!r} is not served here; valid: {name}"
            )

    def _facts(self, kind: str) -> dict[str, Any]:
        return {
            "id": f"evalkit-{next(self._numbers)}",
            "object": kind,
            "created": 0,
            "model": self._backend.model_name,
        }


async def _payload(body: bytes) -> Payload:
    """Read a request's payload.

    Raises:
        RequestRejectedError: It is no JSON object.
    """
    try:
        if len(body) > _LARGE_BYTES:
            payload = await asyncio.to_thread(decode, body)
        else:
            payload = decode(body)
    except CodecError as error:
        raise RequestRejectedError(f"the body is {error}") from error
    if not isinstance(payload, dict):
        raise RequestRejectedError("the body must be a JSON object")
    return payload


def _told(error: BaseException) -> ModelError:
    """Take an error as one of the model; what nobody raised on purpose is logged."""
    if isinstance(error, DatasetError):
        return RequestRejectedError(str(error))
    if not isinstance(error, EvalkitError):
        traceback.print_exception(error, file=sys.stderr)
    return as_model_error(error)


def _if_wanted(payload: Payload, usage: Payload | None) -> Payload | None:
    options = payload.get("stream_options")
    is_wanted = isinstance(options, dict) and options.get("include_usage")
    return usage if is_wanted else None


def _whole(answer: Mapping[str, Any]) -> bytes:
    return http_response(HTTPStatus.OK, encode(answer))


def _stream(events: Any) -> bytes:
    return b"".join((stream_head(), *map(chunk, events), LAST_CHUNK))


def _refusal(status: HTTPStatus, message: str) -> bytes:
    return http_response(status.value, error_body(message, status.value))
