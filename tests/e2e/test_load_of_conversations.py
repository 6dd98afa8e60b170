from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.mockserver.answers import echo
from tests.e2e.talking import (
    asking,
    is_one_after_another,
    most_at_once,
    seen,
    talks,
    turn_rows,
    write_talks,
)

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite, Start

TURNS = 3


def load_of(suite: ArithSuite) -> Any:
    return suite.results()["load"]


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_so_many_conversations_are_active_with_one_request_each(
    arith_suite: ArithSuite, start: Start, workers: tuple[str, ...]
) -> None:
    write_talks(arith_suite, talks(8, TURNS))
    server = start(echo, ttft_s=0.01)
    options = ("--load-pattern", "conversation", "--target-concurrency", "3")

    result = arith_suite.run(*asking(server, *options, *workers))

    result.assert_outcomes(passed=8)
    found = seen(server)
    assert all(map(is_one_after_another, found))
    assert most_at_once(talk.span for talk in found) <= 3
    load = load_of(arith_suite)
    assert load["n_requests"]["successful"] == 8 * TURNS
    assert load["peak_concurrency"] <= 3
    assert load["metrics"]["ttft_ms"]["n"] == 8 * TURNS
    conversations = load["conversations"]
    assert conversations["n_conversations"] == 8
    assert conversations["dropped_turns"] == 0
    assert conversations["turns_per_conversation"]["mean"] == TURNS
    assert [one["n"] for one in conversations["ttft_ms_by_turn"].values()] == [8] * 3


def test_a_turn_is_planned_when_the_last_one_was_answered(
    arith_suite: ArithSuite, start: Start
) -> None:
    write_talks(arith_suite, talks(4, TURNS))
    server = start(echo, latency_s=0.1)

    result = arith_suite.run(*asking(server, "--load-pattern", "max_throughput"))

    result.assert_outcomes(passed=4)
    rows = turn_rows(arith_suite)
    for last, row in pairwise(rows):
        assert row["sent_at_s"] >= row["planned_at_s"]
        if row["turn"] > 1:
            assert row["planned_at_s"] >= last["sent_at_s"] + last["latency_s"] - 1e-5
    assert load_of(arith_suite)["metrics"]["client_queue_ms"]["n"] == 4 * TURNS


def test_turns_that_are_cut_at_the_end_are_no_errors(
    arith_suite: ArithSuite, start: Start
) -> None:
    write_talks(arith_suite, talks(4, TURNS))
    server = start(echo, latency_s=30.0)
    options = ("--concurrency", "2", "--duration", "0.2", "--drain-timeout", "0.1")

    result = arith_suite.run(*asking(server, *options))

    result.assert_outcomes(skipped=4)
    load = load_of(arith_suite)
    assert load["n_requests"]["incomplete"] == 2
    assert load["n_requests"]["errored"] == 0
    assert load["error_rate"] is None
    assert load["metrics"]["e2el_ms"]["n"] == 0
    assert load["ended"] == "the 0.2 s of --duration are over"


def test_conversations_are_warmed_up_with_their_first_turns(
    arith_suite: ArithSuite, start: Start
) -> None:
    write_talks(arith_suite, talks(2, TURNS))
    server = start(echo)

    result = arith_suite.run(
        *asking(server, "--concurrency", "2", "--warmup-requests", "3")
    )

    result.assert_outcomes(passed=2)
    asked = [one.body["messages"][0]["content"] for one in server.received]
    assert sum("[warm-up " in str(one) for one in asked[:3]) == 3
    assert len(asked) == 3 + 2 * TURNS
    assert load_of(arith_suite)["warmup"] == {"requests": 3, "failed": 0}
