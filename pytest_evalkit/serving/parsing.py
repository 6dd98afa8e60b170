"""Reading HTTP/1.1 requests from a stream of bytes; no I/O."""

from __future__ import annotations

from typing import NamedTuple

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 256 * 1024 * 1024


class BadRequestError(Exception):
    """The bytes are no request that the server reads.

    Attributes:
        status: What to answer.
    """

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Head(NamedTuple):
    """The request line and the headers that matter.

    Attributes:
        method: Such as ``POST``.
        path: The target without its query.
        headers: Their values by their names in small letters.
        length: Bytes of the body, or None where it comes in chunks.
        keep_alive: Whether the connection stays open after the answer.
        expects_continue: Whether the client waits to be told to send the body.
    """

    method: str
    path: str
    headers: dict[str, str]
    length: int | None
    keep_alive: bool
    expects_continue: bool


class Framed(NamedTuple):
    """A body, and where in the buffer what follows it begins."""

    body: bytes
    end: int


def read_head(text: bytes) -> Head:
    """Read what comes before the empty line.

    Raises:
        BadRequestError: It is no HTTP/1 request, or its body is too large.
    """
    first, *lines = text.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != len(("method", "target", "version")):
        raise BadRequestError(f"not a request line: {first[:100]!r}")
    method, target, version = words
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    connection = headers.get("connection", "").lower()
    return Head(
        method=method,
        path=target.partition("?")[0],
        headers=headers,
        length=_length(headers),
        keep_alive=connection != "close"
        and (version != "HTTP/1.0" or connection == "keep-alive"),
        expects_continue=headers.get("expect", "").lower() == "100-continue",
    )


def _length(headers: dict[str, str]) -> int | None:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return None
    said = headers.get("content-length", "0")
    if not said.isdecimal():
        raise BadRequestError(f"Content-Length must be a number, got {said[:40]!r}")
    _refuse_large(int(said))
    return int(said)


def _refuse_large(length: int) -> None:
    if length > BODY_LIMIT:
        raise BadRequestError(f"the body has more than {BODY_LIMIT} bytes", status=413)


def read_chunks(buffer: bytes | bytearray, start: int) -> Framed | None:
    """Read a body sent in chunks (RFC 9112, section 7.1).

    Returns:
        The body, or None where more is to come.

    Raises:
        BadRequestError: The chunks are malformed, or too large together.
    """
    pieces: list[bytes] = []
    total = 0
    while True:
        line_end = buffer.find(b"\r\n", start)
        if line_end < 0:
            return None
        size = _chunk_size(bytes(buffer[start:line_end]))
        start = line_end + 2
        if size == 0:
            return _after_trailers(buffer, start, b"".join(pieces))
        total += size
        _refuse_large(total)
        if len(buffer) < start + size + 2:
            return None
        pieces.append(bytes(buffer[start : start + size]))
        start += size + 2


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        raise BadRequestError(f"not the size of a chunk: {line[:40]!r}") from None


def _after_trailers(
    buffer: bytes | bytearray, start: int, body: bytes
) -> Framed | None:
    while True:
        line_end = buffer.find(b"\r\n", start)
        if line_end < 0:
            return None
        if line_end == start:
            return Framed(body, line_end + 2)
        start = line_end + 2
