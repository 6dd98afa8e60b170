"""Each rule of conversation data, broken once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_evalkit.conversations import ConversationError, conversations_of
from pytest_evalkit.errors import DatasetError

Fields = dict[str, Any]

CALL: Fields = {
    "id": "c1",
    "type": "function",
    "function": {"name": "add", "arguments": "{}"},
}
CALL_2 = CALL | {"id": "c2"}
RESULT: Fields = {"tool_call_id": "c1", "content": "2"}
TOOL: Fields = {"type": "function", "function": {"name": "add"}}


def user(turn: Any = 1, **fields: Any) -> Fields:
    return {"conversation_id": "k", "turn": turn, "role": "user", "content": "hi"} | (
        fields
    )


def assistant(turn: int, **fields: Any) -> Fields:
    said = {"conversation_id": "k", "turn": turn, "role": "assistant"}
    return said | ({"content": "so"} if "tool_calls" not in fields else {}) | fields


def tool(turn: int, *results: Any, **fields: Any) -> Fields:
    said = {"conversation_id": "k", "turn": turn, "role": "tool"}
    return said | {"tool_results": list(results)} | fields


def call(turn: int, *calls: Any, **fields: Any) -> Fields:
    return assistant(turn, tool_calls=list(calls), **fields)


def lines(*rows: Fields) -> list[str]:
    return [json.dumps(row) for row in rows]


def problems(*rows: Fields) -> list[str]:
    with pytest.raises(ConversationError) as caught:
        conversations_of(lines(*rows))
    return [str(problem) for problem in caught.value.problems]


NAN = float("nan")
AT = "1: conversation 'k', turn 1: "
BROKEN: list[tuple[list[Fields], str]] = [
    ([assistant(1)], f"{AT}a conversation starts with a user, not an assistant"),
    (
        [user(), tool(2, RESULT)],
        "2: conversation 'k', turn 2: a tool answers, but the turn before calls no tool",
    ),
    (
        [user(), assistant(2), tool(3, RESULT)],
        "3: conversation 'k', turn 3: a tool answers, but the turn before calls no tool",
    ),
    (
        [user(), call(2, CALL), user(3)],
        (
            "3: conversation 'k', turn 3: a user speaks before the tool calls of the turn "
            "before are answered"
        ),
    ),
    (
        [user(), call(2, CALL), tool(3, RESULT), tool(4, RESULT)],
        (
            "4: conversation 'k', turn 4: two tool rows follow each other; results of "
            "parallel calls are one"
        ),
    ),
    (
        [user(), user(2)],
        "2: conversation 'k', turn 2: two user rows follow each other; join them to one",
    ),
    (
        [user(), assistant(2), assistant(3)],
        (
            "3: conversation 'k', turn 3: two assistant rows follow each other; join them "
            "to one"
        ),
    ),
    (
        [user(), assistant(2), user(4)],
        "3: conversation 'k', turn 4: turn 4 follows turn 2; turns are consecutive: 3",
    ),
    (
        [user(), assistant(1)],
        "2: conversation 'k', turn 1: turn 1 is there twice",
    ),
    (
        [user(2)],
        "1: conversation 'k', turn 2: a conversation starts with turn 1, not 2",
    ),
    (
        [user(0)],
        "1: conversation 'k', turn 0: turn must be a whole number from 1, got 0",
    ),
    (
        [user(turn="1")],
        "1: conversation 'k': turn must be a whole number from 1, got '1'",
    ),
    (
        [user(), user(conversation_id="b"), assistant(2)],
        (
            "3: conversation 'k', turn 2: the rows of a conversation must stand together; "
            "this one was left at line 1 for another"
        ),
    ),
    (
        [user(), call(2, CALL), tool(3, RESULT | {"tool_call_id": "c7"})],
        (
            "3: conversation 'k', turn 3: tool_call_id 'c7' answers no call of the turn "
            "before; valid: c1"
        ),
    ),
    (
        [user(), call(2, CALL, CALL_2), tool(3, RESULT)],
        (
            "3: conversation 'k', turn 3: the tool call 'c2' of the turn before is not "
            "answered"
        ),
    ),
    (
        [user(), call(2, CALL, CALL)],
        (
            "2: conversation 'k', turn 2: two tool calls have the id 'c1'; each needs one "
            "of its own"
        ),
    ),
    (
        [user(), call(2, CALL), tool(3, RESULT, RESULT)],
        (
            "3: conversation 'k', turn 3: two results answer the tool call 'c1'; each needs "
            "one of its own"
        ),
    ),
    (
        [user(), call(2)],
        (
            "2: conversation 'k', turn 2: tool_calls must be a list that is not empty, "
            "got []"
        ),
    ),
    (
        [user(), call(2, CALL), tool(3)],
        (
            "3: conversation 'k', turn 3: tool_results must be a list that is not empty, "
            "got []"
        ),
    ),
    (
        [user(), call(2, CALL), tool(3, {"content": "2"})],
        (
            "3: conversation 'k', turn 3: tool_results[0]: tool_call_id must be a text that "
            "is not empty, got None"
        ),
    ),
    (
        [user(), call(2, CALL), tool(3, {"tool_call_id": "c1"})],
        (
            "3: conversation 'k', turn 3: tool_results[0]: content must be a text, \"\" for "
            "nothing, got None"
        ),
    ),
    (
        [user(), call(2, CALL | {"id": ""})],
        (
            "2: conversation 'k', turn 2: tool_calls[0]: id must be a text that is not "
            "empty, got ''"
        ),
    ),
    (
        [user(), call(2, CALL | {"id": 7})],
        (
            "2: conversation 'k', turn 2: tool_calls[0]: id must be a text that is not "
            "empty, got 7"
        ),
    ),
    (
        [user(), call(2, CALL | {"type": "tool"})],
        (
            "2: conversation 'k', turn 2: tool_calls[0]: type must be 'function', "
            "got 'tool'"
        ),
    ),
    (
        [user(), call(2, CALL | {"function": {"name": "", "arguments": "{}"}})],
        (
            "2: conversation 'k', turn 2: tool_calls[0]: function.name must be a text that "
            "is not empty, got ''"
        ),
    ),
    (
        [user(), call(2, CALL | {"function": {"name": "f", "arguments": 3}})],
        (
            "2: conversation 'k', turn 2: tool_calls[0]: function.arguments must be a JSON "
            "text or an object, got 3"
        ),
    ),
    ([user(content="")], f"{AT}content must be a text, got '': a user must say some"),
    ([user(content=None)], f"{AT}content must be a text, got None: a user must say"),
    ([user(content=NAN)], f"{AT}content must be a text, got None: a user must say"),
    (
        [user(), assistant(2, content=None)],
        (
            "2: conversation 'k', turn 2: content must be a text, got None: an assistant "
            "says something or calls tools"
        ),
    ),
    (
        [user(conversation_id="")],
        "1: turn 1: conversation_id must be a text that is not empty, got ''",
    ),
    (
        [user(conversation_id=NAN)],
        "1: turn 1: conversation_id must be a text that is not empty, got None",
    ),
    ([user(role="usr")], f"{AT}unknown role 'usr'; did you mean 'user'?"),
    (
        [user(role="system")],
        f"{AT}a system message is no turn; say it as system of the first row",
    ),
    ([user(system=3)], f"{AT}system must be a text, got 3"),
    ([user(name="")], f"{AT}name must be a text that is not empty, got ''"),
    ([user(delay_seconds=-1)], f"{AT}delay_seconds must be at least 0, got -1"),
    ([user(tool_calls=[CALL])], f"{AT}tool_calls stand in rows of the role assistant"),
    ([user(tool_results=[])], f"{AT}tool_results stand in rows of the role tool"),
    (
        [user(), call(2, CALL), tool(3, RESULT, content="2")],
        (
            "3: conversation 'k', turn 3: content is not read in a tool's row; write it in "
            "tool_results"
        ),
    ),
    ([user(temperature=3)], f"{AT}temperature must be at least 0 and at most 2, got 3"),
    ([user(temperature=True)], f"{AT}temperature must be a number, got True"),
    ([user(top_p=0)], f"{AT}top_p must be above 0 and at most 1, got 0"),
    ([user(frequency_penalty=-3)], f"{AT}frequency_penalty must be at least -2 and at"),
    ([user(n=0)], f"{AT}n must be at least 1, got 0"),
    ([user(stream="yes")], f"{AT}stream must be true or false, got 'yes'"),
    ([user(stop=[])], f"{AT}stop must be a text or a list of texts, got []"),
    ([user(logit_bias=[])], f"{AT}logit_bias must be an object, got []"),
    ([user(max_new_tokens=0)], f"{AT}max_new_tokens must be at least 1, got 0"),
    (
        [user(max_new_tokens=5, max_tokens=6)],
        f"{AT}max_new_tokens=5, max_tokens=6 are one setting and differ; keep one",
    ),
    ([user(tools=[{}])], f"{AT}tools[0]: type must be 'function', got None"),
    ([user(tools={})], f"{AT}tools must be a list, got {{}}"),
]


@pytest.mark.parametrize(
    ("rows", "told"), BROKEN, ids=[told.rpartition(": ")[2] for _, told in BROKEN]
)
def test_a_broken_rule_is_told_with_line_conversation_and_turn(
    rows: list[Fields], told: str
) -> None:
    found = problems(*rows)

    assert any(one.startswith(told) for one in found), found


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "2: not JSON"),
        ("[1]", "2: a line must be an object, got [1]"),
        ('{"a": 1}', "2: a line needs role, where it is one message, or messages"),
        ('{"messages": []}', "2: messages must be a list that is not empty, got []"),
        ('{"messages": ["hi"]}', "2: messages must be objects, got 'hi'"),
        (
            '{"messages": [{"role": "system", "content": "s"}]}',
            "2: messages hold nothing but the system's",
        ),
        (
            '{"messages": [{"role": "user", "content": "s"}]}',
            "2: turn 1: conversation_id must be a text that is not empty, got None",
        ),
    ],
)
def test_a_line_of_another_form_is_told(line: str, told: str) -> None:
    with pytest.raises(ConversationError) as caught:
        conversations_of([*lines(user()), line])

    assert str(caught.value.problems[0]).startswith(told)


def test_all_problems_are_told_at_once_by_line() -> None:
    found = problems(
        user(temperature=9),
        assistant(2, content=""),
        user(4, content=""),
        user(1, conversation_id="b", role="nobody"),
    )

    assert [one.partition(":")[0] for one in found] == ["1", "2", "3", "3", "4"]


def test_fifty_problems_are_shown_and_the_others_counted() -> None:
    rows = [user(conversation_id=f"c{n}", content="") for n in range(60)]

    with pytest.raises(ConversationError) as caught:
        conversations_of(lines(*rows))

    shown = str(caught.value).splitlines()
    assert shown[0] == "60 problems in conversations"
    assert shown[50].startswith("  line:50: conversation 'c49', turn 1: ")
    assert shown[51:] == ["  and 10 more"]


def test_a_wrong_step_is_told_once() -> None:
    found = problems(user(), user(2), assistant(3), user(4), assistant(5))

    assert len(found) == 1


def test_no_conversation_at_all_is_an_error() -> None:
    with pytest.raises(DatasetError, match="there is no conversation"):
        conversations_of(["", '{"_type": "dataset_metadata", "n": 1}'])


def test_a_conversation_may_end_with_anybody() -> None:
    talks = [
        [user()],
        [user(), assistant(2)],
        [user(), call(2, CALL), tool(3, RESULT)],
        [user(), call(2, CALL)],
    ]

    for rows in talks:
        (one,) = conversations_of(lines(*rows))
        assert len(one.turns) == len(rows)
