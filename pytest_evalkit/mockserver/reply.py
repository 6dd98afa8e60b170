"""What a mock endpoint answers to one request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_evalkit.messages import ToolCallPart


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, good or bad.

    Attributes:
        text: The answer; with an error status, the error's message.
        status: HTTP status; 400 and above make it an error.
        headers: Further header lines, such as ``Retry-After``.
        finish_reason: Why the generation is said to have ended; with tool calls,
            ``stop`` is told as ``tool_calls``.
        reasoning: Thought to be sent apart from the text, or None.
        tool_calls: Tools that the model wants to have called.
        delay_s: Seconds to wait before answering, on top of the server's own latency.
        body: Sent as the whole body, in place of what the server would write; or None.
        frames: Sent as a stream, piece by piece, in place of what the server would
            write; or None.
        close: Drop the connection without an answer.
        tells_usage: Whether it says how many tokens it cost.
    """

    text: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    finish_reason: str = "stop"
    reasoning: str | None = None
    tool_calls: tuple[ToolCallPart, ...] = ()
    delay_s: float = 0.0
    body: bytes | None = None
    frames: tuple[bytes, ...] | None = None
    close: bool = False
    tells_usage: bool = True


AnswerFunction = Callable[[dict[str, Any]], str | Reply]
