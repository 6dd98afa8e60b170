"""HTTP/1.1 on asyncio's protocols, and errors and events as the OpenAI protocol has them."""

from __future__ import annotations

from pytest_evalkit.serving.dropping import end_server
from pytest_evalkit.serving.framing import Framing
from pytest_evalkit.serving.parsing import BadRequestError, Head
from pytest_evalkit.serving.responses import (
    DONE,
    LAST_CHUNK,
    chunk,
    error_body,
    event,
    http_response,
    stream_head,
)

__all__ = [
    "DONE",
    "LAST_CHUNK",
    "BadRequestError",
    "Framing",
    "Head",
    "chunk",
    "end_server",
    "error_body",
    "event",
    "http_response",
    "stream_head",
]
