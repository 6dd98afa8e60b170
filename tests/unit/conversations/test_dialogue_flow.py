from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.codec import encode
from pytest_evalkit.conversations import (
    DialogueRules,
    ExecuteTools,
    TurnFailure,
    dialogue,
    recorded_prompts,
)
from pytest_evalkit.errors import UnsuitedModelError
from pytest_evalkit.values import Response
from tests.unit.conversations.talks import (
    EXECUTING,
    LIVE,
    PLAIN,
    SYSTEM,
    TOOLS,
    Answer,
    bodies,
    calling,
    led,
    said,
    user,
    wire_call,
)
from tests.unit.fuzzing import fuzz

replies = st.one_of(
    st.builds(Response, text=st.text()),
    st.builds(calling, st.text(min_size=1), text=st.text()),
)


@fuzz(100)
@given(st.lists(replies, min_size=3, max_size=3))
def test_recorded_prompts_are_the_same_bytes_whatever_the_model_says(
    answers: list[Answer],
) -> None:
    prompts, executed, outcomes = led(PLAIN, answers, DialogueRules())

    expected = bodies(list(recorded_prompts(PLAIN)))
    assert encode(bodies(prompts)) == encode(expected)
    assert executed == []
    assert [one.response for one in outcomes] == answers


def test_live_history_holds_the_answers_of_the_model() -> None:
    answers: list[Answer] = [Response(text="B", reasoning="so"), Response(text="D")]

    prompts, _, outcomes = led(PLAIN, [*answers, Response(text="")], LIVE)

    assert bodies(prompts)[2] == [
        SYSTEM,
        user("a"),
        said("B", reasoning_content="so"),
        user("c"),
        said("D"),
        user("e"),
    ]
    assert [one.status for one in outcomes] == ["successful"] * 3


def test_live_history_refuses_recorded_results_without_an_executor() -> None:
    with pytest.raises(UnsuitedModelError, match=r"turn 3.*tool_executor"):
        next(dialogue(TOOLS, LIVE))


def test_live_history_cannot_go_on_after_a_failure() -> None:
    rules = DialogueRules(history="live", on_turn_failure="continue")

    with pytest.raises(UnsuitedModelError, match="on_turn_failure: abort"):
        next(dialogue(PLAIN, rules))


def test_an_executor_answers_the_calls_that_the_model_makes() -> None:
    answers: list[Answer] = [calling("m1", "m2"), Response(text="B"), calling("m3")]

    prompts, executed, outcomes = led(TOOLS, answers, EXECUTING)

    assert [(one.turn, len(one.calls)) for one in executed] == [(3, 2)]
    assert bodies(prompts)[1] == [
        user("a"),
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [wire_call("m1"), wire_call("m2")],
        },
        {"role": "tool", "tool_call_id": "m1", "content": "ran m1"},
        {"role": "tool", "tool_call_id": "m2", "content": "ran m2"},
    ]
    assert [one.status for one in outcomes] == ["successful"] * 3


def test_calls_are_answered_before_a_user_speaks() -> None:
    answers: list[Answer] = [calling("m1"), *[Response(text="x")] * 2]

    prompts, executed, _ = led(PLAIN, answers, EXECUTING)

    assert len(executed) == 1
    assert [message["role"] for message in bodies(prompts)[1]] == [
        *("system", "user", "assistant"),
        *("tool", "user"),
    ]


def test_calls_that_nobody_can_make_fail_the_next_turn() -> None:
    _, _, outcomes = led(PLAIN, [calling("m1")], LIVE)

    assert [one.status for one in outcomes] == ["successful", "errored", "skipped"]
    assert outcomes[
        1
    ].cause == "the model called f before, and no tool_executor is " + ("named")


def test_an_executor_that_fails_fails_the_turn() -> None:
    flow = dialogue(TOOLS, EXECUTING)
    next(flow)
    asked = flow.send(calling("m1"))

    with pytest.raises(StopIteration) as stop:
        flow.send(TurnFailure(cause="no such file"))

    assert asked == ExecuteTools(turn=3, calls=calling("m1").tool_calls)
    statuses = [(one.status, one.cause) for one in stop.value.value]
    assert statuses == [
        ("successful", None),
        ("errored", "no such file"),
        ("skipped", "aborted_by_prior_failure"),
    ]


@pytest.mark.parametrize(
    ("rule", "statuses", "n_asked"),
    [
        ("error_stop", ["successful", "errored", "skipped"], 1),
        ("ignore_stop", ["successful", "skipped", "skipped"], 1),
        ("ignore_continue", ["successful", "skipped", "successful"], 2),
    ],
)
def test_a_tools_turn_without_a_call_follows_the_rule(
    rule: Any, statuses: list[str], n_asked: int
) -> None:
    rules = DialogueRules(history="live", has_executor=True, on_missing_call=rule)

    prompts, _, outcomes = led(TOOLS, [Response(text="x")] * 2, rules)

    assert [one.status for one in outcomes] == statuses
    assert len(prompts) == n_asked


@pytest.mark.parametrize(
    ("rules", "statuses"),
    [
        (DialogueRules(), ["successful", "errored", "skipped"]),
        (LIVE, ["successful", "errored", "skipped"]),
        (
            DialogueRules(on_turn_failure="continue"),
            ["successful", "errored", "successful"],
        ),
    ],
)
def test_a_failed_turn_skips_those_after_it_unless_told_otherwise(
    rules: DialogueRules, statuses: list[str]
) -> None:
    late = TurnFailure(cause="late")
    answers: list[Answer] = [Response(text="B"), late, Response(text="F")]

    _, _, outcomes = led(PLAIN, answers, rules)

    assert [one.status for one in outcomes] == statuses
    assert outcomes[1].cause == "late"
    if statuses[2] == "skipped":
        assert outcomes[2].cause == "aborted_by_prior_failure"
