"""Writing responses as the OpenAI protocol has them; no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.serving import DONE, event
from pytest_evalkit.values import Response, TokenLogprob, Usage

Choice = dict[str, Any]


def chat_choice(response: Response, *, with_logprobs: bool) -> Choice:
    """Write a response as the choice of a chat completion.

    Raises:
        RequestRejectedError: Log-probabilities are asked for, and there are none.
    """
    message: dict[str, Any] = {"role": "assistant", "content": response.text}
    if response.reasoning is not None:
        message["reasoning_content"] = response.reasoning
    if response.refusal is not None:
        message["refusal"] = response.refusal
    if response.tool_calls:
        message["content"] = response.text or None
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in response.tool_calls
        ]
    return {
        "index": 0,
        "message": message,
        "finish_reason": response.finish_reason,
        "logprobs": _logprobs(response) if with_logprobs else None,
    }


def required_logprobs(response: Response) -> tuple[TokenLogprob, ...]:
    """Take how likely the tokens of an answer were.

    Raises:
        RequestRejectedError: That is not told.
    """
    if response.logprobs is None:
        raise RequestRejectedError(
            "the model does not tell how likely the tokens of its answers are; leave "
            "out logprobs"
        )
    return response.logprobs


def usage_dict(usage: Usage | None) -> dict[str, Any] | None:
    """Write a count of tokens; None where nobody counted."""
    if usage is None:
        return None
    asked, answered = usage.input_tokens or 0, usage.output_tokens or 0
    counts: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": asked + answered,
    }
    if usage.reasoning_tokens is not None:
        thought = {"reasoning_tokens": usage.reasoning_tokens}
        counts["completion_tokens_details"] = thought
    return counts


def chat_events(
    facts: Mapping[str, Any],
    choice: Choice,
    usage: Mapping[str, Any] | None,
) -> Iterator[bytes]:
    """Write a chat completion as a stream: each kind of content in one piece.

    Args:
        facts: What every event says.
        choice: The answer.
        usage: Its count of tokens where that is asked for, else None.
    """
    message = choice["message"]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if message.get("reasoning_content"):
        deltas.append({"reasoning_content": message["reasoning_content"]})
    if message["content"]:
        deltas.append({"content": message["content"]})
    if message.get("tool_calls"):
        calls = enumerate(message["tool_calls"])
        deltas.append({"tool_calls": [{"index": n, **call} for n, call in calls]})
    for number, delta in enumerate(deltas):
        told = choice["logprobs"] if number == len(deltas) - 1 else None
        yield _event(facts, {"delta": delta, "finish_reason": None, "logprobs": told})
    end = {"delta": {}, "finish_reason": choice["finish_reason"], "logprobs": None}
    yield _event(facts, end)
    yield from _closing(facts, usage)


def text_events(
    facts: Mapping[str, Any], choice: Choice, usage: Mapping[str, Any] | None
) -> Iterator[bytes]:
    """Write a text completion as a stream of one piece, as ``chat_events`` does."""
    yield _event(facts, {**choice, "finish_reason": None})
    end = {"text": "", "finish_reason": choice["finish_reason"], "logprobs": None}
    yield _event(facts, end)
    yield from _closing(facts, usage)


def _event(facts: Mapping[str, Any], choice: Mapping[str, Any]) -> bytes:
    return event({**facts, "choices": [{"index": 0, **choice}]})


def _closing(
    facts: Mapping[str, Any], usage: Mapping[str, Any] | None
) -> Iterator[bytes]:
    if usage is not None:
        yield event({**facts, "choices": [], "usage": usage})
    yield DONE


def _logprobs(response: Response) -> dict[str, Any]:
    return {
        "content": [
            _likely(one.token, one.logprob)
            | {"top_logprobs": [_likely(*best) for best in one.top]}
            for one in required_logprobs(response)
        ]
    }


def _likely(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": None}
