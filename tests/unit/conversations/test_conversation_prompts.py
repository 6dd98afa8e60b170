from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.conversations import (
    TurnSettings,
    read_conversations,
    recorded_prompts,
)
from pytest_evalkit.messages import Message, to_openai_messages
from pytest_evalkit.values import Generate, GenerationParameters, Tool
from tests.unit.conversations.talks import (
    PLAIN,
    SYSTEM,
    bodies,
    said,
    talk,
    user,
    wire_call,
)
from tests.unit.fuzzing import fuzz


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


def test_a_prompt_is_put_as_a_request() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    (prompt,) = recorded_prompts(talk(user("a", tools=tools, temperature=0)))

    assert prompt.request() == Generate(
        messages=(Message.of_text("user", "a"),),
        parameters=GenerationParameters(temperature=0),
        tools=(Tool(name="f", description="", parameters={}),),
    )


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
