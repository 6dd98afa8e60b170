"""One client's connection to a mock server: bytes in, bytes out, at the right time."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol, cast

from pytest_evalkit.mockserver.streaming import Stream
from pytest_evalkit.mockserver.traffic import Worked
from pytest_evalkit.serving import (
    BadRequestError,
    Framing,
    Head,
    error_body,
    http_response,
)
from pytest_evalkit.serving.responses import CONTINUE

# On, for no time at all.
_LINGER_NOT = struct.pack("ii", 1, 0)
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done about one request.

    Attributes:
        status: HTTP status.
        body: The body.
        headers: Further header lines.
        stream: Sent in place of a body, or None.
        delay_s: Seconds before the body, or before the first piece of the stream.
        gap_s: Seconds between the pieces of the stream.
        is_hung: True to do nothing at all, until the client goes.
        is_dropped: True to drop the connection after the delay.
        is_cut: True to hang up in the middle of the body.
        is_working: True for what is worked on: it takes up capacity until it ends.
        worked: What is kept of that, or None.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS)
    stream: Stream | None = None
    delay_s: float = 0.0
    gap_s: float = 0.0
    is_hung: bool = False
    is_dropped: bool = False
    is_cut: bool = False
    is_working: bool = False
    worked: Worked | None = None


class Desk(Protocol):
    """Where the requests of all connections go."""

    connections: set[asyncio.Transport]

    def plan(self, head: Head, body: bytes) -> Plan:
        """Say what is to be done about a request.

        Raises:
            BadRequestError: It is malformed.
        """
        ...

    def ended(self, plan: Plan) -> None:
        """Take in that it has been done, or that the client has gone."""
        ...


class Connection(asyncio.Protocol):
    """One client's connection; requests are answered one after another.

    Args:
        desk: Says what is to be done about each.
    """

    _transport: asyncio.Transport
    _loop: asyncio.AbstractEventLoop

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._framing = Framing()
        self._plan: Plan | None = None
        self._keep_alive = True
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take in that a client has come."""
        # Those of uvloop have another class.
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()
        self._desk.connections.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Take in that it has gone."""
        self._desk.connections.discard(self._transport)
        if self._timer is not None:
            self._timer.cancel()
        plan, self._plan = self._plan, None
        if plan is not None:
            self._desk.ended(plan)

    def data_received(self, data: bytes) -> None:
        """Take in bytes of a request, or of several."""
        self._framing.feed(data)
        try:
            self._advance()
        except BadRequestError as error:
            self._keep_alive = False
            self._respond(error.status, error_body(str(error), error.status))
            self._transport.close()

    def _advance(self) -> None:
        """Answer the requests that are there as a whole."""
        while self._plan is None and not self._transport.is_closing():
            arrived = self._framing.take()
            self._invite()
            if arrived is None:
                return
            self._keep_alive = arrived.head.keep_alive
            self._plan = self._desk.plan(arrived.head, arrived.body)
            self._begin(self._plan)

    def _invite(self) -> None:
        """Have a client send the body that it holds back."""
        if self._framing.is_awaited:
            self._framing.is_awaited = False
            self._transport.write(CONTINUE)

    def _begin(self, plan: Plan) -> None:
        if plan.is_hung:
            return
        if plan.stream is not None:
            self._begin_stream(plan, plan.stream)
        elif plan.delay_s > 0:
            self._timer = self._loop.call_later(plan.delay_s, self._later, plan)
        else:
            self._send(plan)

    def _later(self, plan: Plan) -> None:
        self._send(plan)
        # Requests may have come while this one waited.
        self.data_received(b"")

    def _send(self, plan: Plan) -> None:
        if plan.is_dropped:
            self._reset()
        elif plan.is_cut:
            whole = self._response(plan.status, plan.body, plan.headers)
            self._transport.write(whole[: len(whole) - len(plan.body) // 2 - 1])
            self._transport.close()
        else:
            self._respond(plan.status, plan.body, plan.headers)
        self._end(plan)

    def _reset(self) -> None:
        """Drop the connection so that the client sees it reset, not ended."""
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._transport.abort()

    def _begin_stream(self, plan: Plan, stream: Stream) -> None:
        if plan.delay_s <= 0 and plan.gap_s <= 0:
            # One write: the chunks of HTTP are the same.
            self._transport.write(
                b"".join((stream.opening, *stream.pieces, stream.closing))
            )
            self._end(plan)
            return
        self._transport.write(stream.opening)
        self._pace(plan, stream, 0, self._loop.time() + plan.delay_s)

    def _pace(self, plan: Plan, stream: Stream, number: int, due: float) -> None:
        """Send a piece when it is due: a late one does not delay the next."""
        self._timer = self._loop.call_at(
            due, self._send_piece, plan, stream, number, due
        )

    def _send_piece(self, plan: Plan, stream: Stream, number: int, due: float) -> None:
        if number + 1 < len(stream.pieces) and plan.gap_s > 0:
            self._transport.write(stream.pieces[number])
            self._pace(plan, stream, number + 1, due + plan.gap_s)
            return
        self._transport.write(b"".join((*stream.pieces[number:], stream.closing)))
        self._end(plan)
        self.data_received(b"")

    def _end(self, plan: Plan) -> None:
        self._timer = None
        self._plan = None
        self._desk.ended(plan)
        if not self._keep_alive:
            self._transport.close()

    def _respond(
        self, status: int, body: bytes, headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        self._transport.write(self._response(status, body, headers))

    def _response(self, status: int, body: bytes, headers: Mapping[str, str]) -> bytes:
        return http_response(status, body, headers=headers, keep_alive=self._keep_alive)
