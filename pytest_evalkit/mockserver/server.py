"""A server that speaks the OpenAI protocol and answers by a function.

It is written on asyncio's protocols for speed: tests and measurements of a client must
not measure the server.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.mockserver.parsing import (
    HEAD_LIMIT,
    BadRequestError,
    Framed,
    Head,
    read_chunks,
    read_head,
)
from pytest_evalkit.mockserver.protocol import (
    CHAT_PATH,
    COMPLETIONS_PATH,
    MODELS_PATH,
    completion_body,
    error_body,
    http_response,
    models_body,
)
from pytest_evalkit.mockserver.reply import AnswerFunction, Reply

_BACKLOG = 4096


class MockServer:
    """An OpenAI-compatible endpoint on this machine.

    Args:
        answer: Called with the payload of each request, on the server's loop; returns
            the text of the answer or a Reply. An exception in it is logged by the loop
            and drops the connection.
        host: Address to listen on.
        port: Port to listen on; zero for a free one.
        latency_s: Seconds to wait before each answer.

    Attributes:
        requests: How many chat and completion requests have been answered or dropped.
    """

    def __init__(
        self,
        answer: AnswerFunction,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        latency_s: float = 0.0,
    ) -> None:
        self.requests = 0
        self._answer = answer
        self._host = host
        self._port = port
        self._latency_s = latency_s
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Transport] = set()

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:8000/v1``.

        Raises:
            RuntimeError: The server has not been started.
        """
        if self._server is None:
            raise RuntimeError("the mock server has no URL before it is started")
        port = self._server.sockets[0].getsockname()[1]
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{port}/v1"

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: The port is taken, or the address is not ours.
        """
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self._connections, self.reply_to, self._latency_s),
            self._host,
            self._port,
            backlog=_BACKLOG,
        )

    async def stop(self) -> None:
        """Stop listening and drop all connections; a second time does nothing."""
        if self._server is None:
            return
        self._server.close()
        for transport in list(self._connections):
            transport.abort()
        await self._server.wait_closed()
        self._server = None

    def reply_to(self, path: str, payload: dict[str, Any]) -> tuple[Reply, bytes]:
        """Answer one request: the reply, and the body to send for it."""
        self.requests += 1
        answer = self._answer(payload)
        reply = Reply(text=answer) if isinstance(answer, str) else answer
        return reply, completion_body(path, payload, reply, self.requests)


@contextmanager
def serve_in_thread(server: MockServer) -> Iterator[MockServer]:
    """Run a server on a loop and thread of its own, until the block ends.

    Raises:
        OSError: It cannot listen.
    """
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(server, started)),
        name="evalkit-mock-server",
        daemon=True,
    )
    thread.start()
    loop, ending = started.result()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join()


async def _serve(
    server: MockServer,
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]],
) -> None:
    ending = asyncio.Event()
    try:
        await server.start()
    except OSError as error:
        started.set_exception(error)
        return
    started.set_result((asyncio.get_running_loop(), ending))
    await ending.wait()
    await server.stop()


class _Connection(asyncio.Protocol):
    """One client's connection; requests are answered one after another."""

    def __init__(
        self,
        connections: set[asyncio.Transport],
        reply_to: Callable[[str, dict[str, Any]], tuple[Reply, bytes]],
        latency_s: float,
    ) -> None:
        self._connections = connections
        self._reply_to = reply_to
        self._latency_s = latency_s
        self._buffer = bytearray()
        self._head: Head | None = None
        self._transport: asyncio.Transport
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        self._connections.discard(self._transport)
        if self._waiting is not None:
            self._waiting.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            self._advance()
        except BadRequestError as error:
            body = error_body(str(error), error.status)
            self._send(error.status, body, keep_alive=False)

    def _advance(self) -> None:
        """Answer the request in the buffer, if it is there as a whole."""
        if self._waiting is not None:
            return
        if self._head is None:
            self._head = self._next_head()
        if self._head is None:
            return
        framed = self._framed(self._head)
        if framed is None:
            return
        head, self._head = self._head, None
        del self._buffer[: framed.end]
        self._answer(head, framed.body)

    def _next_head(self) -> Head | None:
        end = self._buffer.find(b"\r\n\r\n", 0, HEAD_LIMIT)
        if end < 0:
            if len(self._buffer) > HEAD_LIMIT:
                raise BadRequestError("the headers are too long", status=431)
            return None
        head = read_head(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        if head.expects_continue:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return head

    def _framed(self, head: Head) -> Framed | None:
        if head.length is None:
            return read_chunks(self._buffer, 0)
        if len(self._buffer) < head.length:
            return None
        return Framed(bytes(self._buffer[: head.length]), head.length)

    def _answer(self, head: Head, body: bytes) -> None:
        if (head.method, head.path) == ("GET", MODELS_PATH):
            self._send(HTTPStatus.OK, models_body(), keep_alive=head.keep_alive)
        elif head.method == "POST" and head.path in (CHAT_PATH, COMPLETIONS_PATH):
            self._complete(head, body)
        else:
            message = f"there is no {head.method} {head.path} here"
            self._send(
                HTTPStatus.NOT_FOUND,
                error_body(message, HTTPStatus.NOT_FOUND),
                keep_alive=head.keep_alive,
            )

    def _complete(self, head: Head, body: bytes) -> None:
        reply, content = self._reply_to(head.path, _payload(body))
        delay_s = self._latency_s + reply.delay_s
        if delay_s > 0:
            loop = asyncio.get_running_loop()
            self._waiting = loop.call_later(
                delay_s, self._send_reply, head, reply, content
            )
        else:
            self._send_reply(head, reply, content)

    def _send_reply(self, head: Head, reply: Reply, content: bytes) -> None:
        self._waiting = None
        if reply.close:
            self._transport.abort()
            return
        self._send(
            reply.status, content, headers=reply.headers, keep_alive=head.keep_alive
        )
        if self._buffer:
            self.data_received(b"")

    def _send(
        self,
        status: int,
        body: bytes,
        *,
        keep_alive: bool,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._transport.write(
            http_response(status, body, headers=headers or {}, keep_alive=keep_alive)
        )
        if not keep_alive:
            self._transport.close()


def _payload(body: bytes) -> dict[str, Any]:
    """Read a request's payload.

    Raises:
        BadRequestError: It is no JSON object, or asks for a stream or several answers.
    """
    try:
        payload = decode(body)
    except CodecError as error:
        raise BadRequestError(f"the body is {error}") from error
    if not isinstance(payload, dict):
        raise BadRequestError("the body must be a JSON object")
    if payload.get("stream") or payload.get("n", 1) != 1:
        raise BadRequestError("the mock server sends one whole answer: no stream, no n")
    return payload
