from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.mockserver.answers import echo
from tests.e2e.talking import (
    agentic,
    asking,
    is_one_after_another,
    most_at_once,
    named,
    planned,
    seen,
    talks,
    turn_rows,
    write_talks,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import ArithSuite, Start


def test_a_conversation_is_one_item_and_each_turn_one_row(
    arith_suite: ArithSuite, start: Start
) -> None:
    rows = talks(3, 2)
    write_talks(arith_suite, rows)

    result = arith_suite.run("-v", *asking(start(echo)))

    result.stdout.fnmatch_lines(["talk.yaml::talk[[]c1] per_turn_match,none=1*"])
    result.assert_outcomes(passed=3)
    assert arith_suite.score("talk", "per_turn_match") == 1.0
    turns = turn_rows(arith_suite)
    assert named(turns) == planned(rows)
    assert {row["status"] for row in turns} == {"successful"}
    assert [row["text"] for row in turns][:2] == ["c0 says 1", "c0 says 2"]


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_no_more_conversations_are_under_way_than_there_are_places(
    arith_suite: ArithSuite, start: Start, workers: tuple[str, ...]
) -> None:
    rows = talks(20, 3)
    write_talks(arith_suite, rows)
    server = start(echo, latency_s=0.002)

    result = arith_suite.run(*asking(server, "--max-concurrency", "4", *workers))

    result.assert_outcomes(passed=20)
    found = seen(server)
    assert [talk.lengths for talk in found] == [[1, 3, 5]] * 20
    assert all(map(is_one_after_another, found))
    assert 1 <= most_at_once(talk.span for talk in found) <= 4
    assert named(turn_rows(arith_suite)) == planned(rows)


def test_sixty_conversations_of_six_turns_have_each_turn_once(
    arith_suite: ArithSuite, start: Start
) -> None:
    rows = talks(60, 6)
    write_talks(arith_suite, rows)
    server = start(echo, latency_s=0.01)

    result = arith_suite.run(*asking(server, "--max-concurrency", "32"))

    result.assert_outcomes(passed=60)
    found = seen(server)
    assert all(map(is_one_after_another, found))
    assert most_at_once(talk.span for talk in found) <= 32
    assert named(turn_rows(arith_suite)) == planned(rows)
    assert server.traffic.in_flight == 0


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_the_recorded_conversations_of_agents_are_led_whole(
    arith_suite: ArithSuite,
    start: Start,
    shared_data: Path,
    workers: tuple[str, ...],
) -> None:
    path = agentic(arith_suite, shared_data)
    server = start(lambda _: "ok")

    result = arith_suite.run(*asking(server, "--max-concurrency", "4", *workers))

    result.assert_outcomes(passed=20)
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    clients = [row for row in lines if row["role"] != "assistant"]
    assert len(clients) == 1007
    assert named(turn_rows(arith_suite)) == named(clients)
    found = seen(server)
    assert len(found) == 20
    assert sum(len(talk.worked) for talk in found) == 1007
    assert all(map(is_one_after_another, found))
    assert most_at_once(talk.span for talk in found) <= 4
