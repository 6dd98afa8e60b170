"""Requests through the official openai package, for endpoints that need it.

It costs ten times the processor time of a bare connection, and with many connections at
once it delays the first token: use it where nothing else gets in. Its own retries are
off, as ours are elsewhere.
"""

from __future__ import annotations

import ssl
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from pytest_evalkit.codec import decode
from pytest_evalkit.errors import (
    ModelUnavailableError,
    OptionError,
    TransientModelError,
)
from pytest_evalkit.models.connection import Connection
from pytest_evalkit.models.http import Listener
from pytest_evalkit.models.masking import masked_url
from pytest_evalkit.models.openai_failure import AnswerReader
from pytest_evalkit.models.per_loop import PerLoop

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_CHAT = "/chat/completions"
_COMPLETIONS = "/completions"
# What the methods of the package insist on as arguments of their own.
_NAMED = ("model", "messages", "prompt", "stream")
# The packages that different versions of it speak HTTP with.
_HTTP_PACKAGES = ("httpx", "httpx2")


class SdkTransport:
    """Carries payloads through the official package, a client for each event loop.

    Args:
        url: Where requests go; ends in the path of the method.
        model: The model asked for, to be named in errors.
        connection: How to get there.

    Raises:
        OptionError: The package is not installed, or there is no key, without which it
            sends nothing.
    """

    def __init__(self, *, url: str, model: str, connection: Connection) -> None:
        if find_spec("openai") is None:
            raise OptionError(
                "client=sdk needs the openai package: "
                "pip install 'pytest-evalkit[openai]'"
            )
        if connection.key is None:
            raise OptionError(
                f"client=sdk needs a key: {connection.key_variable}, or api_key in "
                "--model-args"
            )
        self._url = url
        self._is_chat = urlsplit(url).path.endswith(_CHAT)
        self._connection = connection
        self._reader = AnswerReader(
            url=url,
            model=model,
            key_variable=connection.key_variable,
            secrets=connection.secrets(url),
        )
        self._clients = PerLoop(self._open, lambda client: client.is_closed())

    async def post(self, body: bytes) -> dict[str, Any]:
        """Send a JSON text and return the JSON object that comes back.

        Raises:
            TransientModelError: No answer came, but one may come another time.
            RequestRejectedError: The endpoint does not accept this request.
            ModelUnavailableError: It accepts none from us.
        """
        async with self._sent(body, None) as response:
            content: bytes = await response.read()
        return self._reader.answer(content)

    async def stream(self, body: bytes, listener: Listener) -> dict[str, Any] | None:
        """Send a JSON text and hand on what comes back, as it comes.

        Returns:
            None; or the JSON object that came where the endpoint does not stream.

        Raises:
            TransientModelError: As ``post``.
            RequestRejectedError: As ``post``.
            ModelUnavailableError: As ``post``.
            ModelError: Whatever the listener raises.
        """
        whole: bytes | None = None
        async with self._sent(body, listener) as response:
            kind = response.headers.get("content-type", "")
            if kind.startswith("application/json"):
                whole = await response.read()
            else:
                async for content in response.iter_bytes():
                    listener.feed(content, time.monotonic())
        return None if whole is None else self._reader.answer(whole)

    async def aclose(self) -> None:
        """Close the connections of this loop and of those that can be reached."""
        await self._clients.aclose()

    async def _open(self) -> AsyncGenerator[AsyncOpenAI, None]:
        from openai import AsyncAzureOpenAI, AsyncOpenAI, DefaultAsyncHttpxClient

        connection = self._connection
        path = _CHAT if self._is_chat else _COMPLETIONS
        parts = urlsplit(self._url)
        place = parts._replace(path=parts.path.removesuffix(path), query="")
        make: Callable[..., AsyncOpenAI] = AsyncOpenAI
        if connection.is_azure:
            make = partial(AsyncAzureOpenAI, api_version=connection.api_version)
        client = make(
            api_key=connection.key,
            organization=connection.organization,
            project=connection.project,
            base_url=urlunsplit(place),
            default_query=dict(parse_qsl(parts.query)) or None,
            timeout=None,
            max_retries=0,
            default_headers=connection.headers,
            http_client=DefaultAsyncHttpxClient(
                verify=connection.trusted(),
                proxy=connection.proxy,
                trust_env=connection.trust_env,
                timeout=None,
            ),
        )
        try:
            yield client
        finally:
            await client.close()

    @asynccontextmanager
    async def _sent(self, body: bytes, listener: Listener | None) -> AsyncIterator[Any]:
        """Send a payload; the answer can be read inside the block."""
        payload = decode(body)
        named = {name: payload.pop(name) for name in _NAMED if name in payload}
        client = await self._clients.get()
        method: Any = client.chat.completions if self._is_chat else client.completions
        async with (
            self._translated(listener),
            method.with_streaming_response.create(**named, extra_body=payload) as sent,
        ):
            yield sent

    @asynccontextmanager
    async def _translated(self, listener: Listener | None) -> AsyncIterator[None]:
        """Raise errors of the package as ours.

        Raises:
            TransientModelError: There is no connection, or it broke.
            ModelUnavailableError: The certificate is not trusted, or the package finds
                fault with the credentials.
            ModelError: As the endpoint's status says.
        """
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            answer = error.response
            raise self._reader.failure(
                answer.status_code, answer.headers, answer.content
            ) from error
        except openai.APIConnectionError as error:
            raise self._unconnected(error) from error
        except openai.OpenAIError as error:
            raise ModelUnavailableError(
                f"cannot talk to {masked_url(self._url)}: {error}"
            ) from error
        except _broken_connections() as error:
            if listener is not None and listener.is_complete:
                return
            raise TransientModelError(
                f"{masked_url(self._url)} broke off the connection: "
                f"{error or type(error).__name__}"
            ) from error

    def _unconnected(self, error: Exception) -> Exception:
        place = masked_url(self._url)
        causes = list(_causes(error))
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return ModelUnavailableError(
                f"cannot talk to {place}: {causes[-1]}; check base_url"
            )
        if any(type(cause).__name__ == "ConnectError" for cause in causes):
            return TransientModelError(
                f"cannot reach {place}: {causes[-1]}", is_unreachable=True
            )
        return TransientModelError(f"{place} broke off the connection: {causes[-1]}")


def _broken_connections() -> tuple[type[Exception], ...]:
    """List what is raised where a connection breaks while an answer is read."""
    loaded = (sys.modules.get(name) for name in _HTTP_PACKAGES)
    return tuple(package.HTTPError for package in loaded if package is not None)


def _causes(error: BaseException | None) -> list[BaseException]:
    """List an error and what led to it, the first cause last."""
    found = []
    while error is not None:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
