from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.conversations import ExecuteTools, TurnFailure
from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.evaluate.calling_tools import calling_tools
from pytest_evalkit.messages import ToolCallPart
from pytest_evalkit.values import Response
from tests.unit.evaluate.leading import FIVE, TOOLS, Talk, failing


@pytest.mark.parametrize("is_coroutine", [True, False])
def test_tools_are_called_and_their_results_shown(
    tmp_path: Path, is_coroutine: bool
) -> None:
    talk = Talk(tmp_path, TOOLS, history="live", tool_executor="tools")
    seen: list[Any] = []

    def call(name: str, arguments: dict[str, Any]) -> str:
        seen.append((name, arguments))
        return f"result {len(seen)}"

    async def call_later(name: str, arguments: dict[str, Any]) -> str:
        return call(name, arguments)

    calls = (ToolCallPart("x", "g", '{"n": 1}'), ToolCallPart("y", "h", ""))
    answers = iter([Response(text="", tool_calls=calls), Response(text="a")])
    outcome = talk.run(lambda _: next(answers), call_later if is_coroutine else call)

    assert outcome.status == "scored"
    assert seen == [("g", {"n": 1}), ("h", {})]
    assert [
        (message["tool_call_id"], message["content"])
        for message in talk.bodies[1]
        if message["role"] == "tool"
    ] == [("x", "result 1"), ("y", "result 2")]
    assert talk.sample["turns"][1]["tool_results"] == [
        {"tool_call_id": "x", "content": "result 1"},
        {"tool_call_id": "y", "content": "result 2"},
    ]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda *_: 7, "tool_executor returned int for f, but must return a text"),
        (lambda *_: 1 / 0, "tool_executor raised ZeroDivisionError for f"),
    ],
)
def test_a_tool_that_fails_fails_its_turn(
    tmp_path: Path, result: Any, message: str
) -> None:
    talk = Talk(tmp_path, TOOLS, history="live", tool_executor="tools")
    call = ToolCallPart("x", "f", "{}")

    outcome = talk.run(lambda _: Response(text="", tool_calls=(call,)), result)

    assert outcome.message is not None
    assert f"turn 3: {message}" in outcome.message
    assert len(talk.bodies) == 1


def test_what_is_wrong_with_a_call_is_told_to_the_model() -> None:
    called: list[str] = []

    def call(name: str, _: Any) -> str:
        called.append(name)
        return "r"

    async def executed(place: ThreadPoolExecutor) -> Sequence[str] | TurnFailure:
        asked = ExecuteTools(
            turn=3,
            calls=(
                ToolCallPart("x", "serch", "{}"),
                ToolCallPart("y", "search", "[1]"),
                ToolCallPart("z", "search", "{}"),
            ),
        )
        return await calling_tools(call, ["search"], place)(asked)

    with ThreadPoolExecutor(1) as place:
        texts = asyncio.run(executed(place))

    assert texts == [
        "error: there is no tool 'serch'; did you mean 'search'?",
        "error: the arguments must be a JSON object",
        "r",
    ]
    assert called == ["search"]


def test_recorded_turns_are_scored_again(tmp_path: Path) -> None:
    talk = Talk(tmp_path, TOOLS, history="live", tool_executor="tools")
    call = ToolCallPart("x", "f", "{}")
    answers = iter([Response(text="", tool_calls=(call,)), Response(text="a")])
    talk.run(lambda _: next(answers), lambda *_: "sent")
    before = talk.sample

    outcome = talk.score_again()

    assert outcome.status == "scored"
    after = talk.sample
    assert after["per_turn_match"] == before["per_turn_match"] == 1.0
    assert after["turns"][1]["tool_results"] == before["turns"][1]["tool_results"]
    assert [turn["attempts"] for turn in after["turns"]] == [0, 0]
    assert [turn["sent_at_s"] for turn in after["turns"]] == [None, None]


def test_a_turn_that_counted_as_zero_counts_so_again(tmp_path: Path) -> None:
    talk = Talk(tmp_path, FIVE, missing="zero")
    talk.run(failing("q2", RequestRejectedError("no")))

    outcome = talk.score_again()

    assert outcome.message == "turn 3: no (of 5 turns 3 skipped)"
    assert talk.sample["per_turn_match"] == 0.2


def test_a_conversation_in_error_is_not_scored_again(tmp_path: Path) -> None:
    talk = Talk(tmp_path, FIVE)
    talk.run(failing("q2", RequestRejectedError("no")))

    outcome = talk.score_again()

    assert outcome.status == "error"
    assert outcome.message is not None
    assert "has no answer in RUN: no answer: turn 3: no" in outcome.message


def test_a_turn_that_was_not_asked_cannot_be_scored_again(tmp_path: Path) -> None:
    talk = Talk(tmp_path, FIVE, missing="zero")
    talk.run(failing("q2", RequestRejectedError("no")))
    changed = talk.sample
    # As if the recorded run had gone on after the second turn, and not begun before.
    changed["turns"][0]["status"] = "skipped"
    talk.lines[:] = [json.dumps(changed).encode()]

    outcome = talk.score_again()

    assert outcome.status == "error"
    assert outcome.message is not None
    assert "was led otherwise: turn 1 was not asked; ask it anew" in outcome.message


def test_a_tool_that_failed_fails_again(tmp_path: Path) -> None:
    rules = {"history": "live", "tool_executor": "tools", "missing": "zero"}
    talk = Talk(tmp_path, TOOLS, **rules)
    call = ToolCallPart("x", "f", "{}")
    talk.run(lambda _: Response(text="", tool_calls=(call,)), lambda *_: 1 / 0)

    outcome = talk.score_again()

    assert outcome.message is not None
    assert "turn 3: tool_executor raised ZeroDivisionError" in outcome.message
