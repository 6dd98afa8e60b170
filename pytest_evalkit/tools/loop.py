"""The tool loop: a model that calls tools until it answers, as a flow."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from msgspec.structs import replace

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.messages import (
    ImagePart,
    Message,
    Part,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from pytest_evalkit.naming import suggestion
from pytest_evalkit.tools.toolbox import ToolResult
from pytest_evalkit.values import (
    Exchange,
    Generate,
    Recalled,
    Response,
    Timing,
    Usage,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTool:
    """Ask a tool.

    Attributes:
        name: Which one; there is one of that name.
        arguments: By name, as the model gave them.
    """

    name: str
    arguments: Mapping[str, Any]


Asked = Generate | CallTool
Told = Response | ToolResult
ToolFlow = Generator[Sequence[Asked], Sequence[Told], T]


def tool_loop(request: Generate, max_turns: int) -> ToolFlow[Response]:
    """Let a model call tools until it answers in words.

    What is wrong with a call is told to the model, which may try again. A model that
    still calls tools after the last turn has its last response taken as the answer.

    Args:
        request: The question, with the tools that may be called.
        max_turns: How often tools may be called, at least once; the calls of one
            response count as one turn.

    Returns:
        The last response, with the transcript of what came before it, the tokens and
        the latencies of all responses, and the most attempts that one of them took.

    Raises:
        ModelError: A response cannot be had.
    """
    transcript: tuple[Message, ...] = ()
    responses: list[Response] = []
    for _ in range(max_turns):
        response = yield from _ask(request, transcript)
        responses.append(response)
        if not response.tool_calls:
            return _concluded(responses, transcript)
        results = yield from _call_all(request, response.tool_calls)
        transcript += (_said(response), *_heard(response.tool_calls, results))
    responses.append((yield from _ask(request, transcript)))
    return _concluded(responses, transcript, max_turns)


def _ask(request: Generate, transcript: tuple[Message, ...]) -> ToolFlow[Response]:
    (response,) = yield (replace(request, messages=request.messages + transcript),)
    assert isinstance(response, Response), "a model's answer is a response"
    return response


def _call_all(
    request: Generate, calls: Sequence[ToolCallPart]
) -> ToolFlow[list[ToolResult]]:
    """Make the calls that can be made, all at once, and blame the others."""
    names = [tool.name for tool in request.tools]
    checked = [checked_call(call, names) for call in calls]
    asked = [one for one in checked if isinstance(one, CallTool)]
    told = iter((yield asked) if asked else ())
    results: list[ToolResult] = []
    for one in checked:
        result = next(told) if isinstance(one, CallTool) else one
        assert isinstance(result, ToolResult), "a tool's answer is a result"
        results.append(result)
    return results


def checked_call(call: ToolCallPart, names: Sequence[str]) -> CallTool | ToolResult:
    """Read a call as it can be made, or say to the model what is wrong with it.

    Args:
        call: As the model wrote it.
        names: The tools that there are.
    """
    if call.name not in names:
        return ToolResult(
            text=f"error: there is no tool {call.name!r}; "
            f"{suggestion(call.name, names)}"
        )
    try:
        # Some models write nothing at all where there is nothing to say.
        arguments = decode(call.arguments) if call.arguments.strip() else {}
    except CodecError as error:
        return ToolResult(text=f"error: the arguments are {error}")
    if not isinstance(arguments, dict):
        return ToolResult(text="error: the arguments must be a JSON object")
    return CallTool(name=call.name, arguments=arguments)


def _said(response: Response) -> Message:
    text: tuple[Part, ...] = (TextPart(response.text),) if response.text else ()
    return Message("assistant", text + response.tool_calls)


def _heard(
    calls: Sequence[ToolCallPart], results: Sequence[ToolResult]
) -> list[Message]:
    messages = [
        Message("tool", (ToolResultPart(call.id, _text(result)),))
        for call, result in zip(calls, results, strict=True)
    ]
    images = tuple(ImagePart(image) for result in results for image in result.images)
    # A result can only be text in the protocol; so what is to be seen comes after it.
    return [*messages, Message("user", images)] if images else messages


def _text(result: ToolResult) -> str:
    if not result.images:
        return result.text
    count = len(result.images)
    shown = "an image follows" if count == 1 else f"{count} images follow"
    return f"{result.text}\n({shown})".lstrip()


def _concluded(
    responses: Sequence[Response],
    transcript: tuple[Message, ...],
    used_up: int | None = None,
) -> Response:
    last = responses[-1]
    notes = [note for response in responses for note in response.notes]
    if used_up is not None and last.tool_calls:
        notes.append(f"the model still called tools after max_tool_turns={used_up}")
    return replace(
        last,
        timing=_timing(responses),
        usage=_sum([response.usage for response in responses]),
        attempts=max(response.attempts for response in responses),
        transcript=transcript,
        notes=tuple(dict.fromkeys(notes)),
        recalled=_recalled([response.recalled for response in responses]),
        exchanges=_exchanges(responses),
    )


def _exchanges(responses: Sequence[Response]) -> tuple[Exchange, ...]:
    """List the requests of several that were asked; empty where there was but one."""
    if len(responses) == 1:
        return ()
    return tuple(
        Exchange(
            timing=one.timing,
            usage=one.usage,
            attempts=one.attempts,
            uncounted=one.uncounted,
        )
        for one in responses
        if one.recalled is None
    )


def _timing(responses: Sequence[Response]) -> Timing | None:
    """Take the last response's times, and tell how long each of them took.

    A response that was recalled took no time: where the last one was, only how long the
    others took is told.
    """
    last = responses[-1].timing
    if len(responses) == 1:
        return last
    timed = [response.timing for response in responses if response.timing]
    if not timed:
        return None
    turns_s = tuple(one.latency_s for one in timed)
    if last is None:
        first = timed[0]
        return Timing(
            started_at=first.started_at, latency_s=first.latency_s, turns_s=turns_s
        )
    return replace(last, turns_s=turns_s)


def _recalled(parts: Sequence[Recalled | None]) -> Recalled | None:
    """Sum up what came from the response cache."""
    found = [part for part in parts if part is not None]
    if not found:
        return None
    latencies_s = [part.latency_s for part in found if part.latency_s is not None]
    return Recalled(
        requests=sum(part.requests for part in found),
        usage=_sum([part.usage for part in found]),
        latency_s=sum(latencies_s) if latencies_s else None,
    )


def _sum(usages: Sequence[Usage | None]) -> Usage | None:
    told = [usage for usage in usages if usage is not None]
    if not told:
        return None
    return Usage(
        input_tokens=_total([usage.input_tokens for usage in told]),
        output_tokens=_total([usage.output_tokens for usage in told]),
        reasoning_tokens=_total([usage.reasoning_tokens for usage in told]),
        cached_tokens=_total([usage.cached_tokens for usage in told]),
    )


def _total(counts: Sequence[int | None]) -> int | None:
    told = [count for count in counts if count is not None]
    return sum(told) if told else None
