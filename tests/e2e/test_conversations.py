from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.cli import main
from pytest_evalkit.codec import encode
from pytest_evalkit.messages import ToolCallPart
from pytest_evalkit.mockserver import Reply
from pytest_evalkit.mockserver.answers import echo
from tests.e2e.talking import (
    agentic,
    asking,
    is_idle,
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


_DIES_ONCE = """
import os
import signal

import pytest

from pytest_evalkit.models.openai_chat import OpenAIChat


class Mortal(OpenAIChat):
    async def generate(self, request):
        place = (request.origin.doc_id, request.origin.turn)
        if place == (9, 2) and not os.path.exists("died"):
            open("died", "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().generate(request)


@pytest.fixture(scope="session")
def model():
    return Mortal(model="m", base_url="{url}")
"""


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


def test_a_killed_worker_leaves_each_recorded_turn_of_agents_once(
    arith_suite: ArithSuite, start: Start, shared_data: Path
) -> None:
    path = agentic(arith_suite, shared_data)
    server = start(lambda _: "ok")
    arith_suite.write("conftest.py", _DIES_ONCE.replace("{url}", server.url))

    result = arith_suite.run("-n", "2", "--max-concurrency", "4")

    assert (arith_suite.root / "died").exists()
    result.assert_outcomes(passed=20)
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    turns = turn_rows(arith_suite)
    assert named(turns) == named(row for row in lines if row["role"] != "assistant")
    assert {row["status"] for row in turns} == {"successful"}
    found = seen(server)
    assert most_at_once(span for talk in found for span in talk.requests) <= 4
    assert all(most_at_once(talk.requests) == 1 for talk in found)


def test_a_killed_worker_loses_no_turn_and_doubles_none(
    arith_suite: ArithSuite, start: Start
) -> None:
    rows = talks(16, 4)
    write_talks(arith_suite, rows)
    server = start(echo, latency_s=0.002)
    arith_suite.write("conftest.py", _DIES_ONCE.replace("{url}", server.url))

    result = arith_suite.run("-n", "2", "--max-concurrency", "4")

    assert (arith_suite.root / "died").exists()
    result.assert_outcomes(passed=16)
    turns = turn_rows(arith_suite)
    assert named(turns) == planned(rows)
    assert {row["status"] for row in turns} == {"successful"}
    found = seen(server)
    assert most_at_once(span for talk in found for span in talk.requests) <= 4
    assert all(most_at_once(talk.requests) == 1 for talk in found)


def _troubled(payload: dict[str, Any]) -> str | Reply:
    said = echo(payload)
    if said == "c1 says 2":
        return Reply(text=said, delay_s=60)
    return Reply(text="no", status=400) if said == "c2 says 1" else said


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_late_turn_fails_its_item_and_skips_the_rest(
    arith_suite: ArithSuite, start: Start, workers: tuple[str, ...]
) -> None:
    rules = {"turn_timeout_s": 3, "subtests": True}
    write_talks(arith_suite, talks(3, 5), conversation=rules)
    server = start(_troubled)

    result = arith_suite.run("-rA", *asking(server, "--max-errors", "2", *workers))

    # As many errors as may be, whatever the number of failed subtests.
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines_random(
        [
            "no answer: turn 3: timed out after 3 s (turn_timeout_s) (of 5 turns 3*",
            "*[[]turn 3] talk.yaml::talk[[]c1]*",
            "no answer: turn 1: * answered 400: no (of 5 turns 4 skipped)",
        ]
    )
    turns = turn_rows(arith_suite)
    statuses = [row["status"] for row in turns if row["conversation_id"] == "c1"]
    assert statuses == ["successful", "errored", "skipped", "skipped", "skipped"]
    assert {row["cause"] for row in turns if row["status"] == "skipped"} == {
        "aborted_by_prior_failure"
    }
    measured = [row["turn"] for row in turns if row["latency_s"] is not None]
    assert measured == [1, 3, 5, 7, 9, 1]
    coverage = arith_suite.results()["coverage"]["talk"]
    assert (coverage["scored"], coverage["errors"]) == (1, 2)
    assert arith_suite.results()["latency"]["requests"] == 6
    assert is_idle(server)


def test_errors_are_run_again_when_a_run_is_resumed(
    arith_suite: ArithSuite, start: Start
) -> None:
    rows = talks(4, 3)
    write_talks(arith_suite, rows, conversation={"turn_timeout_s": 3})
    server = start(_troubled)
    arith_suite.run(*asking(server))
    server.answer = echo
    asked = len(server.worked)

    result = arith_suite.run(*asking(server, "--resume", "last"))

    result.assert_outcomes(passed=4)
    # Two conversations of three turns.
    assert len(server.worked) - asked == 6
    turns = turn_rows(arith_suite)
    assert named(turns) == planned(rows)
    assert {row["status"] for row in turns} == {"successful"}


def test_shards_of_conversations_are_merged_to_all_of_their_turns(
    arith_suite: ArithSuite, start: Start
) -> None:
    rows = talks(5, 2)
    write_talks(arith_suite, rows)
    server = start(echo)
    for shard in ("1/2", "2/2"):
        arith_suite.run(*asking(server, "--shard", shard))
    folders = [str(folder) for folder in arith_suite.folders]

    assert main(["merge", *folders, "--output", "whole"]) == 0

    lines = (arith_suite.root / "whole/turns_talk.jsonl").read_text("utf-8")
    assert named(map(json.loads, lines.splitlines())) == planned(rows)


def test_recorded_history_is_the_same_bytes_for_every_model(
    arith_suite: ArithSuite, start: Start
) -> None:
    rows = talks(1, 3)
    rows[0] |= {"tools": [_ORDER], "temperature": 0.25, "model": "other"}
    rows[0]["messages"][4]["temperature"] = 0.75
    write_talks(arith_suite, rows)
    servers = [start(lambda _: "one"), start(lambda _: "quite another")]
    for server in servers:
        arith_suite.run(*asking(server))

    one, other = ([w.payload for w in server.worked] for server in servers)
    assert [encode(body) for body in one] == [encode(body) for body in other]
    # What a row says wins, and what is offered arrives.
    assert [body["temperature"] for body in one] == [0.25, 0.25, 0.75]
    assert {body["model"] for body in one} == {"other"}
    assert all(body["tools"][0]["function"]["name"] == "order" for body in one)


_TOOLS = """
import pytest

@pytest.fixture
def clerk():
    async def call(name, arguments):
        return f"{name} {arguments['number']}: sent"
    return call
"""
_ORDER = {"type": "function", "function": {"name": "order", "parameters": {}}}


def _shop(payload: dict[str, Any]) -> str | Reply:
    last = payload["messages"][-1]
    if last["role"] == "tool":
        return f"It says: {last['content']}"
    return Reply(tool_calls=(ToolCallPart("7", "order", '{"number": 7}'),))


def test_a_fixture_calls_tools_in_live_conversations(
    arith_suite: ArithSuite, start: Start
) -> None:
    call = {"id": "1", "type": "function"}
    call["function"] = {"name": "order", "arguments": '{"number": 7}'}  # type: ignore[assignment]
    row = {
        "conversation_id": "c",
        "tools": [_ORDER],
        "messages": [
            {"role": "user", "content": "Where is order 7?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": "lost"},
            {"role": "assistant", "content": "It says: order 7: sent"},
        ],
    }
    rules = {"history": "live", "tool_executor": "clerk"}
    metrics = [{"metric": "last_turn_match"}, {"metric": "tool_call_match"}]
    write_talks(arith_suite, [row], conversation=rules, metric_list=metrics)
    arith_suite.write("conftest.py", _TOOLS)
    server = start(_shop)

    result = arith_suite.run(*asking(server))

    result.assert_outcomes(passed=1)
    assert arith_suite.score("talk", "last_turn_match") == 1.0
    assert arith_suite.score("talk", "tool_call_match") == 1.0
    assert [tool["function"]["name"] for tool in server.worked[0].payload["tools"]] == [
        "order"
    ]


def test_a_fixture_that_there_is_not_stops_the_run_in_one_line(
    arith_suite: ArithSuite,
) -> None:
    rules = {"history": "live", "tool_executor": "clerc"}
    write_talks(arith_suite, talks(2, 2), conversation=rules)

    result = arith_suite.run("--model", "oracle")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(
        ["*talk.yaml:*: conversation.tool_executor names the fixture 'clerc', and *"]
    )


_INTERRUPTED = """
def pytest_runtest_logreport(report):
    if report.nodeid.endswith("[c1]"):
        raise KeyboardInterrupt
"""


def test_an_interrupted_run_has_the_turns_of_what_it_recorded(
    arith_suite: ArithSuite, start: Start
) -> None:
    rows = talks(40, 3)
    write_talks(arith_suite, rows)
    arith_suite.write("conftest.py", _INTERRUPTED)
    server = start(echo, latency_s=0.01)

    result = arith_suite.run_apart(*asking(server, "--max-concurrency", "2"))

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert arith_suite.results()["complete"] is False
    led = arith_suite.ran("talk")
    assert 2 <= len(led) < 40
    recorded = [row for row in rows if row["conversation_id"] in led]
    assert named(turn_rows(arith_suite)) == planned(recorded)
    assert is_idle(server)


def test_a_load_pattern_says_how_many_conversations_are_active(
    arith_suite: ArithSuite, start: Start
) -> None:
    write_talks(arith_suite, talks(9, 3), conversation={"turn_timeout_s": 3})
    server = start(_troubled, latency_s=0.002)
    load = ("--load-pattern", "conversation", "--concurrency", "3")

    arith_suite.run(*asking(server, *load))

    assert most_at_once(talk.span for talk in seen(server)) <= 3
    figures = arith_suite.results()["load"]["conversations"]
    # Of one a turn comes late and one is left, of another two are.
    assert (figures["n_conversations"], figures["dropped_turns"]) == (9, 3)


def test_turns_are_not_sent_by_the_clock(arith_suite: ArithSuite) -> None:
    write_talks(arith_suite, talks(1, 1))

    load = ("--load-pattern", "poisson", "--target-qps", "5")

    result = arith_suite.run("talk.yaml", "--model", "oracle", *load)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(
        ["*talk.yaml: task 'talk' (conversation) has turns that follow each other, *"]
    )
