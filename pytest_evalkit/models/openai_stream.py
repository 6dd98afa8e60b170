"""A streamed answer put together again, and the times of its fragments: no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

from pytest_evalkit.codec import CodecError, decode, encode
from pytest_evalkit.errors import ModelError, TransientModelError
from pytest_evalkit.models.server_sent import EventParser
from pytest_evalkit.values import Timing

_DONE = b"[DONE]"
_REASONING = ("reasoning_content", "reasoning")
_VISIBLE = ("content", "refusal")


class AnswerStream:
    """Takes in the bytes of a stream and gives the answer as if it had come whole.

    Of the choices, the first counts. An event that is no JSON object is passed over and
    counted.

    Args:
        started_at: Seconds of a monotonic clock when the request was sent.
        broken_off: Judges an error object that comes as an event, given the object and
            the event.
    """

    def __init__(
        self, *, started_at: float, broken_off: Callable[[Any, bytes], ModelError]
    ) -> None:
        self._started_at = started_at
        self._broken_off = broken_off
        self._events = EventParser()
        self._choice = _Choice()
        self._facts: dict[str, Any] = {}
        self._has_choice = False
        self._is_done = False
        self._bad_frames = 0
        self._fragments_at: list[float] = []
        self._visible_at: float | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the answer has ended: by its own finish reason, or by the mark."""
        return self._is_done or self._choice.finish_reason is not None

    def feed(self, content: bytes, at: float) -> None:
        """Take in the next bytes.

        Args:
            content: The bytes.
            at: When they came, by the clock of ``started_at``.

        Raises:
            ModelError: An event is an error.
        """
        for event in self._events.feed(content):
            self._take(event, at)

    def close(self, at: float) -> None:
        """Take in that the stream has ended.

        Raises:
            ModelError: The last event is an error.
            TransientModelError: The answer had not ended.
        """
        for event in self._events.close():
            self._take(event, at)
        if not self.is_complete:
            raise TransientModelError(
                "the stream was cut: it ended without a finish reason and without "
                f"[DONE], after {len(self._fragments_at)} fragments"
            )

    def answer(self) -> dict[str, Any]:
        """Write the answer in the form of one that comes whole."""
        choices = [self._choice.whole()] if self._has_choice else []
        return {**self._facts, "choices": choices}

    def timing(self, ended_at: float) -> Timing:
        """Say when what came.

        Args:
            ended_at: When the stream ended, by the clock of ``started_at``.
        """
        fragments = self._fragments_at
        visible = self._visible_at
        return Timing(
            started_at=self._started_at,
            latency_s=ended_at - self._started_at,
            ttft_s=fragments[0] - self._started_at if fragments else None,
            ttfo_s=None if visible is None else visible - self._started_at,
            gaps_s=tuple(later - earlier for earlier, later in pairwise(fragments)),
            n_chunks=len(fragments),
            bad_frames=self._bad_frames,
        )

    def _take(self, event: bytes, at: float) -> None:
        if self._is_done or not event:
            return
        if event.strip() == _DONE:
            self._is_done = True
            return
        chunk = _object(event)
        if chunk is None:
            self._bad_frames += 1
            return
        if chunk.get("error"):
            raise self._broken_off(chunk["error"], event)
        self._take_chunk(chunk, at)

    def _take_chunk(self, chunk: Mapping[str, Any], at: float) -> None:
        for name in ("id", "model", "usage"):
            # Some endpoints send usage with each chunk, growing: the last one counts.
            if chunk.get(name):
                self._facts[name] = chunk[name]
        for piece in _objects(chunk.get("choices")):
            if piece.get("index", 0) != 0:
                continue
            self._has_choice = True
            self._mark(self._choice.add(piece), at)

    def _mark(self, is_visible: bool | None, at: float) -> None:
        """Note when a fragment came; None for a piece that is none."""
        if is_visible is None:
            return
        self._fragments_at.append(at)
        if is_visible and self._visible_at is None:
            self._visible_at = at


class _Choice:
    """The first choice of an answer, as far as it has come."""

    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self._texts: dict[str, list[str]] = {}
        self._calls: dict[Any, dict[str, Any]] = {}
        self._logprobs: list[Any] = []
        self._is_chat = False

    def add(self, piece: Mapping[str, Any]) -> bool | None:
        """Take in a piece.

        Returns:
            None where it adds nothing to the answer; else whether that is visible text.
        """
        reason = piece.get("finish_reason")
        if isinstance(reason, str) and reason:
            self.finish_reason = reason
        logprobs = piece.get("logprobs")
        if isinstance(logprobs, dict) and isinstance(logprobs.get("content"), list):
            self._logprobs += logprobs["content"]
        delta = piece.get("delta")
        if not isinstance(delta, dict):
            return self._add_text("text", piece.get("text")) or None
        self._is_chat = True
        visible = [self._add_text(name, delta.get(name)) for name in _VISIBLE]
        # Some endpoints say the same thought under both names.
        is_thought = any(self._add_text(name, delta.get(name)) for name in _REASONING)
        calls = [self._add_call(call) for call in _objects(delta.get("tool_calls"))]
        return any(visible) if any(visible) or is_thought or any(calls) else None

    def whole(self) -> dict[str, Any]:
        """Write the choice as one that comes whole."""
        choice: dict[str, Any] = {"index": 0, "finish_reason": self.finish_reason}
        if self._logprobs:
            choice["logprobs"] = {"content": self._logprobs}
        if not self._is_chat:
            return choice | {"text": "".join(self._texts.get("text", ()))}
        message: dict[str, Any] = {"role": "assistant", "content": None}
        message |= {name: "".join(pieces) for name, pieces in self._texts.items()}
        if self._calls:
            message["tool_calls"] = list(self._calls.values())
        return choice | {"message": message}

    def _add_text(self, name: str, content: Any) -> bool:
        """Append to a text; tell whether there was anything to append."""
        if isinstance(content, list):
            content = "".join(_texts_of(content))
        if not isinstance(content, str):
            return False
        # An empty text is an answer too: it is kept, though it is no fragment.
        self._texts.setdefault(name, []).append(content)
        return bool(content)

    def _add_call(self, piece: Mapping[str, Any]) -> bool:
        """Take in a piece of a tool call; tell whether it says anything."""
        call = self._calls.setdefault(
            self._place_of(piece),
            {"id": None, "type": "function", "function": {"name": "", "arguments": ""}},
        )
        call["id"] = call["id"] or _name_of(piece)
        function = piece.get("function")
        if not isinstance(function, dict):
            return False
        name, arguments = function.get("name"), function.get("arguments")
        if isinstance(arguments, dict):
            # Some endpoints send the object itself.
            arguments = encode(arguments).decode()
        whole = call["function"]
        whole["name"] = whole["name"] or (name if isinstance(name, str) else "")
        whole["arguments"] += arguments if isinstance(arguments, str) else ""
        return bool(name or arguments)

    def _place_of(self, piece: Mapping[str, Any]) -> Any:
        """Tell which call a piece belongs to, also where the endpoint does not number.

        A piece with an identifier begins a call; one without goes on with the last.
        """
        index = piece.get("index")
        if isinstance(index, int):
            return index
        identifier = _name_of(piece)
        if identifier or not self._calls:
            return identifier
        return next(reversed(self._calls))


def _name_of(piece: Mapping[str, Any]) -> str | None:
    identifier = piece.get("id")
    return identifier if isinstance(identifier, str) else None


def _object(event: bytes) -> dict[str, Any] | None:
    try:
        chunk = decode(event)
    except CodecError:
        return None
    return chunk if isinstance(chunk, dict) else None


def _objects(values: Any) -> Iterable[dict[str, Any]]:
    if not isinstance(values, list):
        return ()
    return (value for value in values if isinstance(value, dict))


def _texts_of(parts: list[Any]) -> Iterable[str]:
    texts = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return (text for text in texts if isinstance(text, str))
