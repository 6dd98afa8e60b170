from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from pytest_evalkit.evaluate.recording import _all_facts, _response_facts
from pytest_evalkit.messages import Message, ToolCallPart
from pytest_evalkit.values import (
    AnyResponse,
    LoglikelihoodResponse,
    Recalled,
    Response,
    Timing,
    TokenLogprob,
    Usage,
)

USAGE = Usage(input_tokens=3, output_tokens=2, cached_tokens=0)
TIMING = Timing(started_at=5.0, latency_s=0.1234567)
RECALLED = Recalled(requests=1, usage=USAGE, latency_s=0.25)
CALL = ToolCallPart(id="1", name="add", arguments="{}")
WHOLE = Response(text="x", finish_reason="stop", usage=USAGE, timing=TIMING)


@pytest.mark.parametrize(
    "response",
    [
        Response(text="x"),
        WHOLE,
        replace(WHOLE, finish_reason=""),
        replace(WHOLE, usage=Usage()),
        replace(WHOLE, timing=None, attempts=0, recalled=RECALLED),
        replace(WHOLE, recalled=Recalled(requests=2)),
        replace(WHOLE, refusal="no"),
        replace(WHOLE, logprobs=()),
        replace(WHOLE, logprobs=(TokenLogprob(token="x", logprob=-1.0),)),
        replace(WHOLE, tool_calls=(CALL,)),
        replace(WHOLE, transcript=(Message.of_text("assistant", "hm"),)),
        replace(WHOLE, notes=("smaller", "smaller")),
        replace(
            WHOLE, timing=Timing(started_at=5.0, latency_s=3.0, turns_s=(1.0, 2.0))
        ),
        LoglikelihoodResponse(logprob=-1.0, is_greedy=True, usage=USAGE, timing=TIMING),
    ],
)
def test_of_one_answer_as_much_is_told_as_of_several(response: AnyResponse) -> None:
    facts = _response_facts([response])

    assert list(facts.items()) == list(_all_facts([response]).items())


def test_what_came_with_an_answer_is_told_and_nothing_else() -> None:
    told: dict[str, Any] = _response_facts([WHOLE])

    assert told == {
        "finish_reason": "stop",
        "token_counts": {
            "input_tokens": 3,
            "output_tokens": 2,
            "reasoning_tokens": None,
            "cached_tokens": 0,
        },
        "request_latency_s": 0.123457,
    }


def test_of_several_answers_tokens_are_summed_and_the_rest_is_listed() -> None:
    told = _response_facts([WHOLE, Response(text="y", usage=Usage(input_tokens=4))])

    assert told["finish_reason"] == ["stop", None]
    assert told["token_counts"] == {
        "input_tokens": 7,
        "output_tokens": 2,
        "reasoning_tokens": None,
        "cached_tokens": 0,
    }
    assert told["request_latency_s"] == 0.123457
