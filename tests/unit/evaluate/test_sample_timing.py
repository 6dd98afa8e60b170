from __future__ import annotations

import pytest

from pytest_evalkit.evaluate.timing import (
    inter_token_s,
    stream_times,
    token_logprobs,
)
from pytest_evalkit.values import Response, Timing, TokenLogprob, Usage


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


def test_the_time_between_tokens_is_over_the_tokens_that_the_endpoint_counts() -> None:
    # Four tokens in three fragments: three steps from the first to the last.
    assert inter_token_s(streamed(0.1, 0.2, tokens=4)) == pytest.approx(0.1)


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
    assert inter_token_s(response) is None


def test_a_streamed_answer_says_when_its_tokens_came() -> None:
    assert stream_times([streamed(0.1, 0.2, tokens=4)]) == {
        "ttft_s": 0.25,
        "ttfo_s": 0.5,
        "inter_token_s": 0.1,
        "n_chunks": 3,
        "bad_frames": 0,
    }


def test_repeats_say_so_each_and_one_that_came_whole_says_nothing() -> None:
    times = stream_times([streamed(0.1, tokens=2), WHOLE])

    assert times["ttft_s"] == [0.25, None]
    assert times["inter_token_s"] == [0.1, None]
    assert times["n_chunks"] == [2, None]


def test_answers_that_came_whole_have_no_such_times() -> None:
    assert stream_times([WHOLE, Response(text="x")]) == {}


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
