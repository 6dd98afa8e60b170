from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.evaluate.request_log import RequestLog
from pytest_evalkit.evaluate.timing import inter_token_s, token_logprobs
from pytest_evalkit.messages import Message
from pytest_evalkit.values import (
    Exchange,
    Generate,
    Recalled,
    Response,
    Timing,
    TokenLogprob,
    Usage,
)
from tests.unit.evaluate.answering import answering

# The run began at 3 s of the clock.
STARTED_AT = 3.0
QUESTION = Generate(messages=(Message.of_text("user", "?"),))


def streamed(*gaps_s: float, tokens: int | None = None) -> Response:
    timing = Timing(
        started_at=5.0,
        latency_s=2.0,
        ttft_s=0.25,
        ttfo_s=0.5,
        gaps_s=gaps_s,
        n_chunks=len(gaps_s) + 1,
        bad_frames=0,
    )
    return Response(text="x", usage=Usage(output_tokens=tokens), timing=timing)


WHOLE = Response(text="x", timing=Timing(started_at=5.0, latency_s=2.0))
RECALLED = Response(text="x", attempts=0, recalled=Recalled(requests=1))


def times(answers: Sequence[Response | Exception]) -> dict[str, Any]:
    """Ask once for each answer, and say what the log has of it."""
    log = RequestLog()

    async def ask_all() -> None:
        listened = log.asking(answering(answers))
        for answer in answers:
            if isinstance(answer, Exception):
                with pytest.raises(type(answer)):
                    await listened(QUESTION)
            else:
                assert await listened(QUESTION) is answer

    asyncio.run(ask_all())
    return log.times(STARTED_AT)


def test_the_time_between_tokens_is_over_the_tokens_that_the_endpoint_counts() -> None:
    # Four tokens in three fragments: three steps from the first to the last.
    one = streamed(0.1, 0.2, tokens=4)

    assert inter_token_s(one.timing, one.usage) == pytest.approx(0.1)


@pytest.mark.parametrize(
    "response",
    [
        WHOLE,
        Response(text="x"),
        streamed(0.1, tokens=None),
        streamed(0.1, tokens=1),
        streamed(tokens=5),
    ],
)
def test_there_is_no_time_between_fewer_than_two_tokens(response: Response) -> None:
    assert inter_token_s(response.timing, response.usage) is None


def test_a_streamed_answer_says_when_its_tokens_came() -> None:
    assert times([streamed(0.1, 0.2, tokens=4)]) == {
        "request_status": "successful",
        "planned_at_s": None,
        "sent_at_s": 2.0,
        "request_s": 2.0,
        "ttft_s": 0.25,
        "ttfo_s": 0.5,
        "gaps_sum_s": 0.3,
        "inter_token_s": 0.1,
        "n_chunks": 3,
        "bad_frames": 0,
    }


def test_repeats_say_so_each_and_one_that_came_whole_says_nothing_of_tokens() -> None:
    told = times([streamed(0.1, tokens=2), WHOLE])

    assert told["sent_at_s"] == [2.0, 2.0]
    assert told["ttft_s"] == [0.25, None]
    assert told["inter_token_s"] == [0.1, None]
    assert told["n_chunks"] == [2, None]
    assert told["output_tokens"] == [2, None]


def test_answers_that_came_whole_have_no_times_of_tokens() -> None:
    assert times([WHOLE]) == {
        "request_status": "successful",
        "planned_at_s": None,
        "sent_at_s": 2.0,
        "request_s": 2.0,
    }


def test_a_backend_that_keeps_no_time_is_counted_all_the_same() -> None:
    told = times([Response(text="x")])

    assert told["request_status"] == "successful"
    assert (told["sent_at_s"], told["request_s"]) == (None, None)


def test_what_is_recalled_was_not_sent() -> None:
    assert times([RECALLED]) == {}
    # Of the two the document's own counts are the sum.
    told = times([RECALLED, streamed(0.1, tokens=2)])
    assert (told["sent_at_s"], told["output_tokens"]) == (2.0, 2)


def test_a_request_without_an_answer_was_sent_all_the_same() -> None:
    refused = RequestRejectedError("no")
    refused.sent_at, refused.ended_at, refused.planned_at = 4.0, 4.5, 3.5

    assert times([refused]) == {
        "request_status": "errored",
        "planned_at_s": 0.5,
        "sent_at_s": 1.0,
        "request_s": 0.5,
    }


def test_each_request_of_an_answer_with_tools_is_told() -> None:
    first, last = streamed(0.1, tokens=2), WHOLE
    answer = Response(
        text="x",
        timing=last.timing,
        exchanges=tuple(
            Exchange(timing=one.timing, usage=one.usage, attempts=1)
            for one in (first, last)
        ),
    )

    told = times([answer])

    assert told["request_status"] == ["successful"] * 2
    assert told["ttft_s"] == [0.25, None]
    assert told["output_tokens"] == [2, None]


def test_waits_between_attempts_are_no_part_of_the_latency() -> None:
    timing = Timing(started_at=5.0, latency_s=2.0, waited_s=1.25, planned_at=3.5)

    told = times([Response(text="x", timing=timing, attempts=3)])

    assert told["planned_at_s"] == 0.5
    assert told["request_s"] == 2.0
    assert told["retry_wait_s"] == 1.25


def test_logprobs_are_written_with_the_likeliest_where_told() -> None:
    tokens = [
        TokenLogprob(token="a", logprob=-0.5, top=(("a", -0.5), ("b", -1.0))),
        TokenLogprob(token="c", logprob=-2.0),
    ]

    assert token_logprobs(tokens) == [
        {"token": "a", "logprob": -0.5, "top": [["a", -0.5], ["b", -1.0]]},
        {"token": "c", "logprob": -2.0},
    ]
    assert token_logprobs(None) is None
