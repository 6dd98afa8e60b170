from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.reports.load import load_lines, load_warnings
from pytest_evalkit.results.load import pattern_dict
from pytest_evalkit.stats.load_figures import load_figures
from pytest_evalkit.stats.request_times import RequestTimes


def took(start: float, end: float, status: Any = "successful", **facts: Any) -> Any:
    return RequestTimes(status=status, sent_at=start, ended_at=end, **facts)


def results(
    *requests: RequestTimes,
    client: Any = None,
    ended: str | None = None,
    **options: Any,
) -> Any:
    return {
        "load": {
            **load_figures(requests),
            "load_pattern": pattern_dict(options),
            "client": client,
            "warmup": None,
            "ended": ended,
        },
        "group_subtasks": {},
        "aggregates": {"t": []},
        "coverage": {"t": {"skipped": 3}},
    }


def test_failures_stand_before_latencies() -> None:
    requests = [
        took(0, 1, input_tokens=5, output_tokens=10),
        took(1, 3, input_tokens=5, output_tokens=30),
        took(0, 4, "errored"),
    ]

    lines = load_lines(results(*requests, concurrency=2))

    assert lines == [
        "load    1 of 3 requests failed (33.3%), load pattern concurrency 2",
        "        0.5 requests/s, 10.0 output tokens/s, 12.5 tokens/s, at most 2 in flight",
        "                    mean      p50      p90      p95      p99  n",
        "        e2el_ms  1,500.0  1,000.0  2,000.0  2,000.0  2,000.0  2",
    ]


def test_a_run_that_asked_for_no_load_shows_none() -> None:
    assert load_lines(results(took(0, 1))) == []
    assert load_warnings(results(took(0, 1, "errored"))) == []
    assert load_lines({}) == []  # type: ignore[typeddict-item]  # as old files have it


def test_goals_alone_are_reason_to_show_it() -> None:
    assert load_lines(results(took(0, 1), goodput="e2el:5"))


def test_a_clock_and_its_cap_are_named() -> None:
    options: Any = {"load_pattern": "poisson", "target_qps": 2.5, "max_concurrency": 4}

    lines = load_lines(results(**options))

    assert lines[0].endswith("load pattern poisson 2.5/s up to 4 in flight")


def test_latencies_of_a_part_of_the_requests_say_so() -> None:
    requests = [took(0, 1, "errored")] * 250 + [took(0, 1)] * 6

    (line,) = load_warnings(results(*requests, concurrency=8))

    assert (
        line
        == "load    97.7% of the requests failed: latencies are those of the others"
    )


@pytest.mark.parametrize(
    ("saturated", "line"),
    [
        (True, "load    the client was the limit: because"),
        (False, "load    not as asked: because"),
    ],
)
def test_what_held_the_load_back_is_told(saturated: bool, line: str) -> None:
    client = {"saturated": saturated, "reason": "because"}

    assert load_warnings(results(took(0, 1), client=client, concurrency=1)) == [line]


def test_a_load_that_ended_says_what_it_left_out() -> None:
    lines = load_warnings(results(took(0, 1), ended="the 5 s of --duration are over"))

    assert lines == [
        "load    it ended, 3 documents were skipped: the 5 s of --duration are over"
    ]


def test_conversations_are_told_with_the_turns_that_were_dropped() -> None:
    turns = [
        took(0, 1, conversation="a", turn=1),
        RequestTimes(status="skipped", conversation="a", turn=2),
    ]

    lines = load_lines(results(*turns, load_pattern="conversation", concurrency=1))

    assert lines[2] == "        1 conversations, 0.00 whole ones/s, 1 turns dropped"
