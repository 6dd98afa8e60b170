"""One client's connection to a host: requests in, whole responses out."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from pytest_evalkit.serving import (
    BadRequestError,
    Framing,
    Head,
    error_body,
    http_response,
)
from pytest_evalkit.serving.responses import CONTINUE


class Desk(Protocol):
    """Where the requests of all connections go."""

    connections: set[asyncio.Transport]

    async def respond(self, head: Head, body: bytes) -> bytes:
        """Answer a request with the bytes of a response; raises nothing."""
        ...


class HostConnection(asyncio.Protocol):
    """One client's connection; its requests are answered one after another.

    A client that goes away has its request given up.

    Args:
        desk: Answers them.
    """

    _transport: asyncio.Transport

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._framing = Framing()
        self._answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take in that a client has come."""
        self._transport = cast("asyncio.Transport", transport)
        self._desk.connections.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Take in that it has gone."""
        self._desk.connections.discard(self._transport)
        if self._answering is not None:
            self._answering.cancel()

    def data_received(self, data: bytes) -> None:
        """Take in bytes of a request, or of several."""
        self._framing.feed(data)
        self._advance()

    def _advance(self) -> None:
        """Begin the request that is there as a whole, if none is being answered."""
        if self._answering is not None or self._transport.is_closing():
            return
        try:
            arrived = self._framing.take()
        except BadRequestError as error:
            body = error_body(str(error), error.status)
            self._transport.write(http_response(error.status, body, keep_alive=False))
            self._transport.close()
            return
        if self._framing.is_awaited:
            self._framing.is_awaited = False
            self._transport.write(CONTINUE)
        if arrived is not None:
            answer = self._answer(arrived.head, arrived.body)
            self._answering = asyncio.get_running_loop().create_task(answer)

    async def _answer(self, head: Head, body: bytes) -> None:
        try:
            response = await self._desk.respond(head, body)
        except asyncio.CancelledError:
            # Whoever gave the request up: nobody is to wait for its answer.
            self._transport.close()
            raise
        self._answering = None
        if self._transport.is_closing():
            return
        self._transport.write(response)
        if not head.keep_alive:
            self._transport.close()
            return
        self._advance()
