"""The bytes of responses: bodies, errors and server-sent events; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from pytest_evalkit.codec import encode

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
DONE = b"data: [DONE]\n\n"
# The last chunk of a body sent in chunks (RFC 9112, section 7.1).
LAST_CHUNK = b"0\r\n\r\n"

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def http_response(
    status: int,
    body: bytes,
    *,
    headers: Mapping[str, str] = _NO_HEADERS,
    keep_alive: bool = True,
) -> bytes:
    """Put the head in front of a body of JSON."""
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if not keep_alive:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "\r\n"]).encode("latin-1") + body


def error_body(message: str, status: int) -> bytes:
    """Write an error as OpenAI writes it."""
    phrase = _REASONS.get(status, "Error")
    kind = phrase.lower().replace(" ", "_")
    error = {"message": message or phrase, "type": kind, "param": None, "code": None}
    return encode({"error": error})


def stream_head(headers: Mapping[str, str] = _NO_HEADERS) -> bytes:
    """Write the head of a stream of events, which comes in chunks."""
    lines = [
        "HTTP/1.1 200 OK",
        "Content-Type: text/event-stream; charset=utf-8",
        "Cache-Control: no-cache",
        "Transfer-Encoding: chunked",
        *(f"{name}: {value}" for name, value in headers.items()),
        "\r\n",
    ]
    return "\r\n".join(lines).encode("latin-1")


def event(value: Mapping[str, Any]) -> bytes:
    """Write a JSON object as an event."""
    return b"data: " + encode(value) + b"\n\n"


def chunk(content: bytes) -> bytes:
    """Write a piece of a body as a chunk of HTTP."""
    return b"%x\r\n%b\r\n" % (len(content), content)
