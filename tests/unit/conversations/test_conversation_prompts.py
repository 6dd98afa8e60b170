from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.codec import encode
from pytest_evalkit.conversations import (
    Conversation,
    DialogueRules,
    ExecuteTools,
    TurnFailure,
    TurnOutcome,
    TurnPrompt,
    TurnSettings,
    conversations_of,
    dialogue,
    read_conversations,
    recorded_prompts,
)
from pytest_evalkit.errors import UnsuitedModelError
from pytest_evalkit.messages import Message, ToolCallPart, to_openai_messages
from pytest_evalkit.values import Generate, GenerationParameters, Response, Tool
from tests.unit.fuzzing import fuzz

SYSTEM = {"role": "system", "content": "S"}


def wire_call(call_id: str) -> dict[str, Any]:
    function = {"name": "f", "arguments": "{}"}
    return {"id": call_id, "type": "function", "function": function}


def talk(*messages: dict[str, Any], **fields: Any) -> Conversation:
    whole = {"conversation_id": "k", "messages": list(messages)} | fields
    (one,) = conversations_of([json.dumps(whole)])
    return one


def user(text: str, **fields: Any) -> dict[str, Any]:
    return {"role": "user", "content": text} | fields


def said(text: str | None, **fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text} | fields


PLAIN = talk(SYSTEM, user("a"), said("b"), user("c"), said("d"), user("e"))
TOOLS = talk(
    user("a"),
    {"role": "assistant", "content": None, "tool_calls": [wire_call("c1")]},
    {"role": "tool", "tool_call_id": "c1", "content": "x"},
    said("b"),
    user("c"),
)
LIVE = DialogueRules(history="live")
EXECUTING = DialogueRules(history="live", has_executor=True)
Answer = Response | TurnFailure


def bodies(prompts: list[TurnPrompt]) -> list[list[dict[str, Any]]]:
    return [to_openai_messages(prompt.messages) for prompt in prompts]


def led(
    conversation: Conversation, answers: list[Answer], rules: DialogueRules
) -> tuple[list[TurnPrompt], list[ExecuteTools], tuple[TurnOutcome, ...]]:
    """Lead a conversation; each call of a tool is answered by its id."""
    flow = dialogue(conversation, rules)
    left = iter(answers)
    prompts: list[TurnPrompt] = []
    executed: list[ExecuteTools] = []
    try:
        asked = next(flow)
        while True:
            if isinstance(asked, TurnPrompt):
                prompts.append(asked)
                asked = flow.send(next(left))
            else:
                executed.append(asked)
                asked = flow.send([f"ran {call.id}" for call in asked.calls])
    except StopIteration as stop:
        outcomes: tuple[TurnOutcome, ...] = stop.value
        return prompts, executed, outcomes


def calling(*ids: str, text: str = "") -> Response:
    calls = tuple(ToolCallPart(one, "f", "{}") for one in ids)
    return Response(text=text, tool_calls=calls)


def test_each_client_turn_is_shown_everything_before_it() -> None:
    prompts = bodies(list(recorded_prompts(PLAIN)))

    assert prompts == [
        [SYSTEM, user("a")],
        [SYSTEM, user("a"), said("b"), user("c")],
        [SYSTEM, user("a"), said("b"), user("c"), said("d"), user("e")],
    ]


def test_results_of_parallel_calls_are_messages_of_their_own_in_order() -> None:
    conversation = talk(
        user("a"),
        {"role": "assistant", "tool_calls": [wire_call("c1"), wire_call("c2")]},
        {"role": "tool", "tool_call_id": "c2", "content": "y"},
        {"role": "tool", "tool_call_id": "c1", "content": "x"},
    )

    _, body = bodies(list(recorded_prompts(conversation)))

    assert body == [
        user("a"),
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [wire_call("c1"), wire_call("c2")],
        },
        {"role": "tool", "tool_call_id": "c2", "content": "y"},
        {"role": "tool", "tool_call_id": "c1", "content": "x"},
    ]


def test_names_and_thought_are_replayed() -> None:
    conversation = talk(
        user("a", name="ann"), said("b", reasoning_content="hm"), user("c")
    )

    *_, body = bodies(list(recorded_prompts(conversation)))

    assert body == [
        user("a", name="ann"),
        said("b", reasoning_content="hm"),
        user("c"),
    ]


def test_what_lasts_of_the_first_turn_fills_gaps_and_own_values_win() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    conversation = talk(
        user("a", model="m", max_tokens=5, stream=True, tools=tools, temperature=1),
        said("b"),
        user("c"),
        said("d"),
        user("e", model="n", max_completion_tokens=6, stream=False, tools=[]),
    )
    defaults = TurnSettings(
        model="default",
        parameters=GenerationParameters(
            max_tokens=99, temperature=0.5, stop=("x",), extra={"n": 2}
        ),
    )

    first, second, third = recorded_prompts(conversation, defaults)

    offered = (Tool(name="f", description="", parameters={}),)
    assert first.settings.model == second.settings.model == "m"
    assert (second.settings.stream, third.settings.stream) == (True, False)
    assert (first.tools, second.tools, third.tools) == (offered, offered, ())
    assert third.settings.model == "n"
    asked = [prompt.parameters for prompt in (first, second, third)]
    assert [one.max_tokens for one in asked] == [5, 5, 6]
    # Temperature does not last: the default fills the gap that the second turn leaves.
    assert [one.temperature for one in asked] == [1, 0.5, 0.5]
    assert [one.stop for one in asked] == [("x",)] * 3
    assert [one.extra for one in asked] == [{"n": 2}] * 3


def test_zero_and_false_are_values_of_their_own() -> None:
    conversation = talk(user("a", temperature=0, stream=False, seed=0))
    defaults = TurnSettings(
        stream=True, parameters=GenerationParameters(temperature=1, seed=3)
    )

    (prompt,) = recorded_prompts(conversation, defaults)

    assert prompt.settings.stream is False
    assert (prompt.parameters.temperature, prompt.parameters.seed) == (0, 0)


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


texts = st.text(min_size=1)


@fuzz(100)
@given(st.lists(st.tuples(texts, texts | st.none(), texts), min_size=1, max_size=5))
def test_nothing_that_is_absent_becomes_a_word(
    turns: list[tuple[str, str | None, str]],
) -> None:
    messages: list[dict[str, Any]] = []
    for number, (asked, called, result) in enumerate(turns):
        call_id = f"c{number}"
        messages += [
            user(asked, name=None, temperature=float("nan"), tools=None),
            said(called, tool_calls=[wire_call(call_id)], reasoning_content=None),
            {"role": "tool", "tool_call_id": call_id, "content": result},
            said(result, name=float("nan")),
        ]
    conversation = talk(*messages)

    *_, body = bodies(list(recorded_prompts(conversation)))

    kept = [
        {key: value for key, value in message.items() if key in {"role", "content"}}
        for message in messages
    ]
    assert [{"role": m["role"], "content": m["content"]} for m in body] == kept[:-1]
    assert {key for message in body for key in message} <= {
        *("role", "content", "tool_calls", "tool_call_id"),
    }


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


def test_a_prompt_is_put_as_a_request() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    (prompt,) = recorded_prompts(talk(user("a", tools=tools, temperature=0)))

    assert prompt.request() == Generate(
        messages=(Message.of_text("user", "a"),),
        parameters=GenerationParameters(temperature=0),
        tools=(Tool(name="f", description="", parameters={}),),
    )


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


def test_recorded_conversations_are_prompts_of_every_client_turn(
    recorded: Path,
) -> None:
    rows = [json.loads(line) for line in recorded.read_text("utf-8").splitlines()]

    conversations = read_conversations(recorded)

    prompts = [prompt for one in conversations for prompt in recorded_prompts(one)]
    assert len(conversations) == 20
    assert [prompt.sample_index for prompt in prompts] == list(range(1007))
    assert all(len(prompt.tools) == 1 for prompt in prompts)
    # What the prompt of a last turn must be, built straight from the rows.
    last = prompts[-1]
    assert to_openai_messages(last.messages) == _straight(
        [row for row in rows if row["conversation_id"] == last.conversation][:-1]
    )


def _straight(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    body = [{"role": "system", "content": rows[0]["system"]}]
    for row in rows:
        if row["role"] == "user":
            body.append({"role": "user", "content": row["content"]})
        elif row["role"] == "tool":
            body += [{"role": "tool", **result} for result in row["tool_results"]]
        else:
            kept = ("role", "tool_calls", "reasoning_content")
            body.append({"content": None, **{key: row[key] for key in kept}})
    return body
