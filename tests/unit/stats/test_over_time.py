from __future__ import annotations

from random import Random

import pytest

from pytest_evalkit.stats.over_time import MOST_SPANS, OverTime
from pytest_evalkit.stats.request_times import RequestStatus, RequestTimes


def took(
    sent: float,
    ended: float | None,
    status: RequestStatus = "successful",
    *,
    ttft_s: float | None = None,
    tokens: int | None = None,
) -> RequestTimes:
    return RequestTimes(
        status=status, sent_at=sent, ended_at=ended, ttft_s=ttft_s, output_tokens=tokens
    )


def told(*requests: RequestTimes) -> OverTime:
    course = OverTime()
    for one in requests:
        course.add(one)
    return course


def test_requests_in_flight_are_the_mean_over_each_span() -> None:
    # Six spans of a second from 10 on. The second request covers half of the first
    # span, the whole of the next, and a quarter of the third.
    figures = told(took(10, 16), took(10.5, 12.25)).figures()

    assert figures is not None
    assert figures["width_s"] == 1.0
    assert figures["in_flight"] == [1.5, 2.0, 1.25, 1.0, 1.0, 1.0]
    assert figures["requests_per_s"] == [0, 0, 1, 0, 0, 1]


def test_failures_are_counted_apart_and_cut_requests_not_at_all() -> None:
    figures = told(
        took(0, 12), took(0, 3, "errored"), took(1, 3.5, "errored"),
        took(0, 5, "incomplete"), took(2, None), RequestTimes(status="skipped"),
    ).figures()  # fmt: skip

    assert figures is not None
    assert figures["width_s"] == 2.0
    assert figures["requests_per_s"] == [0, 0, 0, 0, 0, 0.5]
    assert figures["errors_per_s"] == [0, 1, 0, 0, 0, 0]
    assert figures["in_flight"] == [3.5, 3.25, 1.5, 1, 1, 1]


def test_tokens_are_spread_from_the_first_fragment_to_the_end() -> None:
    # Forty tokens over the last four of six seconds; six at once where nobody looked.
    figures = told(took(0, 6, ttft_s=2, tokens=40), took(3.5, 3.5, tokens=6)).figures()

    assert figures is not None
    assert figures["output_tokens_per_s"] == [0, 0, 10, 16, 10, 10]


def test_tokens_of_failures_count_nothing_and_uncounted_ones_leave_no_rate() -> None:
    failed = took(0, 6, "errored", tokens=None)

    counted = told(failed, took(0, 6, tokens=6)).figures()
    uncounted = told(failed, took(0, 6, tokens=6), took(0, 6)).figures()

    assert counted is not None
    assert counted["output_tokens_per_s"] == [1.0] * 6
    assert uncounted is not None
    assert uncounted["output_tokens_per_s"] is None


def test_nothing_that_ended_has_no_course() -> None:
    assert told().figures() is None
    assert told(took(0, None)).figures() is None
    assert told(took(1, 1)).figures() is None


def test_many_requests_make_few_spans_and_add_up() -> None:
    random = Random(3)
    course = OverTime()
    spans = [
        (t := random.uniform(0, 50), t + random.expovariate(1)) for _ in range(5000)
    ]
    for start, end in spans:
        course.add(took(1e6 + start, 1e6 + end, ttft_s=0.01, tokens=7))

    figures = course.figures()

    assert figures is not None
    width = figures["width_s"]
    assert len(figures["in_flight"]) == MOST_SPANS
    assert width * sum(figures["in_flight"]) == pytest.approx(
        sum(end - start for start, end in spans), rel=1e-5
    )
    assert width * sum(figures["requests_per_s"]) == pytest.approx(5000, rel=1e-5)
    assert width * sum(figures["output_tokens_per_s"]) == pytest.approx(
        35_000, rel=1e-5
    )
    assert min(figures["in_flight"]) >= 0
