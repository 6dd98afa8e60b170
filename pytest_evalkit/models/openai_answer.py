"""Reading the answers of OpenAI-compatible endpoints: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from pytest_evalkit.codec import CodecError, convert, encode
from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.messages import ToolCallPart
from pytest_evalkit.values import TokenLogprob, Usage

# What is beyond is no count that anybody made.
_MOST_TOKENS = 2**53


@dataclass(frozen=True, slots=True)
class _Likely:
    token: str
    logprob: float
    top_logprobs: tuple[_Likely, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Logprobs:
    content: tuple[_Likely, ...]


class Spoken(Struct, frozen=True, kw_only=True):
    """What one choice of an answer says.

    Attributes:
        text: The visible answer.
        reasoning: Thought that was sent apart from it, or None.
        finish_reason: Why the generation ended, or None where not told.
        refusal: The words of a refusal, or None where there is none.
        tool_calls: What is to be called, in order.
        logprobs: How likely each token was, or None where not told.
    """

    text: str
    reasoning: str | None
    finish_reason: str | None
    refusal: str | None = None
    tool_calls: tuple[ToolCallPart, ...] = ()
    logprobs: tuple[TokenLogprob, ...] | None = None


def spoken_in_chat(choice: Mapping[str, Any]) -> Spoken:
    """Read a choice of a chat completion.

    A refusal is an answer. An answer that is all reasoning or all tool calls has an
    empty text.

    Raises:
        RequestRejectedError: There is neither text, reasoning, tool call nor refusal;
            or there is none because a filter took it away.
    """
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    reasoning = message.get("reasoning_content") or message.get("reasoning") or None
    reasoning = _joined(reasoning)
    calls = _tool_calls(message.get("tool_calls"))
    refusal = _text(message.get("refusal")) or None
    text = _joined(message.get("content")) or refusal or message.get("content")
    if text is None and (reasoning or calls):
        text = ""
    if not text and choice.get("finish_reason") == "content_filter":
        text = None
    return Spoken(
        text=_present(text, choice),
        reasoning=reasoning,
        finish_reason=_text(choice.get("finish_reason")),
        refusal=refusal,
        tool_calls=calls,
        logprobs=_logprobs(choice.get("logprobs")),
    )


def spoken_in_completion(choice: Mapping[str, Any]) -> Spoken:
    """Read a choice of a text completion.

    Raises:
        RequestRejectedError: There is no text.
    """
    return Spoken(
        text=_present(choice.get("text"), choice),
        reasoning=None,
        finish_reason=_text(choice.get("finish_reason")),
    )


def cut_at_stop(spoken: Spoken, stop: Sequence[str]) -> Spoken:
    """End the text before the earliest of the stop texts.

    Endpoints take only some of them, and some endpoints heed none.
    """
    places = [spoken.text.find(text) for text in stop if text]
    found = [place for place in places if place >= 0]
    if not found:
        return spoken
    return replace(spoken, text=spoken.text[: min(found)], finish_reason="stop")


def usage_of(answer: Mapping[str, Any]) -> Usage | None:
    """Read the tokens that an answer cost, or None where it does not say."""
    usage = answer.get("usage")
    if not isinstance(usage, dict):
        return None
    return Usage(
        input_tokens=_count(usage, "prompt_tokens"),
        output_tokens=_count(usage, "completion_tokens"),
        reasoning_tokens=_count(
            usage.get("completion_tokens_details"), "reasoning_tokens"
        ),
        cached_tokens=_count(usage.get("prompt_tokens_details"), "cached_tokens"),
    )


def _tool_calls(calls: Any) -> tuple[ToolCallPart, ...]:
    if not calls:
        return ()
    listed = calls if isinstance(calls, list) else []
    functions = [
        (call.get("id"), call["function"])
        for call in listed
        if isinstance(call, dict) and isinstance(call.get("function"), dict)
    ]
    # Results refer to their call by its name; some endpoints give it none.
    return tuple(
        ToolCallPart(
            id=str(identifier or f"call_{number}"),
            name=str(function.get("name") or ""),
            arguments=_arguments(function.get("arguments")),
        )
        for number, (identifier, function) in enumerate(functions)
    )


def _arguments(arguments: Any) -> str:
    """Take arguments as they were written; some endpoints send the object itself."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else encode(arguments).decode()


def _logprobs(told: Any) -> tuple[TokenLogprob, ...] | None:
    """Read ``logprobs`` of a chat choice; None where they have not their own form."""
    if told is None:
        return None
    try:
        read = convert(told, _Logprobs)
    except CodecError:
        return None
    return tuple(
        TokenLogprob(
            token=token.token,
            logprob=token.logprob,
            top=tuple((one.token, one.logprob) for one in token.top_logprobs or ()),
        )
        for token in read.content
    )


def _text(said: Any) -> str | None:
    return said if isinstance(said, str) else None


def _joined(content: Any) -> str | None:
    """Join what some endpoints send as a list of parts."""
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_text_of_part(part) for part in content)
    raise RequestRejectedError(
        f"the answer's content is a {type(content).__name__}, not a text"
    )


def _text_of_part(part: Any) -> str:
    text = part.get("text") if isinstance(part, dict) else part
    return text if isinstance(text, str) else ""


def _present(text: Any, choice: Mapping[str, Any]) -> str:
    if isinstance(text, str):
        return text
    raise RequestRejectedError(
        f"the answer has no text (finish_reason: {choice.get('finish_reason')})"
    )


def _count(counts: Any, name: str) -> int | None:
    value = counts.get(name) if isinstance(counts, dict) else None
    if isinstance(value, int) and 0 <= value <= _MOST_TOKENS:
        return value
    return None
