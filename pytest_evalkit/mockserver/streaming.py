"""The wire form of an answer that is streamed: server-sent events in HTTP chunks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.mockserver.protocol import (
    CHAT_PATH,
    CREATED,
    chat_logprobs,
    finish_reason,
    usage,
)
from pytest_evalkit.mockserver.reply import Reply
from pytest_evalkit.serving import DONE, LAST_CHUNK, chunk, event, stream_head

_BAD_FRAME = b'data: {"choices": [{"delta": {"content": "los\n\n'
_TOKEN = re.compile(r"\S+\s*|\s+")
_ARGUMENT_PIECE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """An answer in pieces, each a chunk of HTTP.

    Attributes:
        opening: Sent at once: the head, and the event that says the role.
        pieces: One for each token.
        closing: Sent with the last of them: finish reason, usage, the end.
    """

    opening: bytes
    pieces: tuple[bytes, ...]
    closing: bytes

    def cut(self) -> Stream:
        """End in the middle of the answer, though properly as far as HTTP knows."""
        kept = self.pieces[: len(self.pieces) // 2]
        return Stream(opening=self.opening, pieces=kept, closing=LAST_CHUNK)

    def with_bad_frame(self) -> Stream:
        """Put an event that is no JSON into the middle."""
        half = len(self.pieces) // 2
        pieces = (*self.pieces[:half], chunk(_BAD_FRAME), *self.pieces[half:])
        return Stream(opening=self.opening, pieces=pieces, closing=self.closing)


def stream_of(
    path: str, payload: Mapping[str, Any], reply: Reply, number: int
) -> Stream:
    """Write a good reply as a stream.

    Args:
        path: The method that was asked.
        payload: What was asked.
        reply: The answer.
        number: Number of the request.
    """
    head = stream_head(reply.headers)
    if reply.frames is not None:
        pieces = tuple(chunk(frame) for frame in reply.frames)
        return Stream(opening=head, pieces=pieces, closing=LAST_CHUNK)
    writer = _Writer(path == CHAT_PATH, payload, number)
    role = {"role": "assistant", "content": ""}
    opening = chunk(writer.event(role)) if writer.is_chat else b""
    closing = [writer.event({}, finish_reason=finish_reason(reply))]
    options = payload.get("stream_options")
    is_asked = isinstance(options, dict) and bool(options.get("include_usage"))
    if is_asked and reply.tells_usage:
        closing.append(writer.usage_event(usage(payload, reply)))
    closing.append(DONE)
    return Stream(
        opening=head + opening,
        pieces=tuple(chunk(one) for one in writer.fragments(reply)),
        closing=b"".join(map(chunk, closing)) + LAST_CHUNK,
    )


class _Writer:
    """Writes the events of one stream."""

    def __init__(self, is_chat: bool, payload: Mapping[str, Any], number: int) -> None:
        self.is_chat = is_chat
        self._payload = payload
        self._facts = {
            "id": f"mock-{number}",
            "object": "chat.completion.chunk" if is_chat else "text_completion",
            "created": CREATED,
            "model": payload.get("model"),
        }

    def event(
        self,
        delta: Mapping[str, Any],
        *,
        finish_reason: str | None = None,
        logprobs: Any = None,
    ) -> bytes:
        """Write what is new; of a text completion, its ``content``."""
        choice = {"index": 0, "finish_reason": finish_reason, "logprobs": logprobs}
        if self.is_chat:
            choice["delta"] = delta
        else:
            choice["text"] = delta.get("content", "")
        return event(self._facts | {"choices": [choice]})

    def usage_event(self, counts: Mapping[str, Any]) -> bytes:
        """Write the event that has no choice, only the count of tokens."""
        return event(self._facts | {"choices": [], "usage": counts})

    def fragments(self, reply: Reply) -> Iterator[bytes]:
        """Write the events of the tokens: thought, text, then tool calls."""
        if self.is_chat:
            for token in _TOKEN.findall(reply.reasoning or ""):
                yield self.event({"reasoning_content": token})
        # A token may be half a character, so what is told of all comes with the first.
        logprobs = self._logprobs(reply.text)
        for token in _TOKEN.findall(reply.text):
            yield self.event({"content": token}, logprobs=logprobs)
            logprobs = None
        if self.is_chat:
            for delta in _call_deltas(reply):
                yield self.event(delta)

    def _logprobs(self, text: str) -> dict[str, Any] | None:
        if not self.is_chat or not self._payload.get("logprobs"):
            return None
        return {"content": chat_logprobs(self._payload, text)}


def _call_deltas(reply: Reply) -> Iterator[dict[str, Any]]:
    """Write tool calls: first the name, then the arguments in pieces."""
    for index, call in enumerate(reply.tool_calls):
        begun = {"name": call.name, "arguments": ""}
        first = {"index": index, "id": call.id, "type": "function", "function": begun}
        yield {"tool_calls": [first]}
        for start in range(0, len(call.arguments), _ARGUMENT_PIECE):
            piece = call.arguments[start : start + _ARGUMENT_PIECE]
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
