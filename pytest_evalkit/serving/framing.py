"""Cutting the bytes of a connection into requests; no I/O."""

from __future__ import annotations

from typing import NamedTuple

from pytest_evalkit.serving.parsing import (
    HEAD_LIMIT,
    BadRequestError,
    Framed,
    Head,
    read_chunks,
    read_head,
)


class Arrived(NamedTuple):
    """A request that is there as a whole."""

    head: Head
    body: bytes


class Framing:
    """The bytes of one connection that no request was made of yet.

    Attributes:
        is_awaited: True once the client waits to be told to send a body; whoever tells
            it sets this to False.
    """

    def __init__(self) -> None:
        self.is_awaited = False
        self._buffer = bytearray()
        self._head: Head | None = None

    def feed(self, data: bytes) -> None:
        """Take in bytes of a request, or of several."""
        self._buffer += data

    def take(self) -> Arrived | None:
        """Take the next request out; None where it is not there as a whole.

        Raises:
            BadRequestError: The bytes are no request that is read here.
        """
        if self._head is None:
            self._head = self._next_head()
        if self._head is None:
            return None
        framed = self._framed(self._head)
        if framed is None:
            return None
        head, self._head = self._head, None
        del self._buffer[: framed.end]
        return Arrived(head, framed.body)

    def _next_head(self) -> Head | None:
        end = self._buffer.find(b"\r\n\r\n", 0, HEAD_LIMIT)
        if end < 0:
            if len(self._buffer) > HEAD_LIMIT:
                raise BadRequestError("the headers are too long", status=431)
            return None
        head = read_head(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        self.is_awaited = head.expects_continue
        return head

    def _framed(self, head: Head) -> Framed | None:
        if head.length is None:
            return read_chunks(self._buffer, 0)
        if len(self._buffer) < head.length:
            return None
        return Framed(bytes(self._buffer[: head.length]), head.length)
