from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.conversations import (
    Conversation,
    ConversationError,
    conversations_of,
    read_conversations,
)
from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages import Message, TextPart, ToolCallPart, ToolResultPart
from pytest_evalkit.values import GenerationParameters, Tool

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ROWS: list[dict[str, Any]] = [
    {"conversation_id": 1, "turn": 1, "role": "user", "content": "a", "system": "S"},
    {"conversation_id": 1, "turn": 2, "role": "assistant", "tool_calls": [CALL]},
    {
        "conversation_id": "1",
        "turn": 3.0,
        "role": "tool",
        "tool_results": [{"tool_call_id": "c1", "content": ""}],
        "delay_seconds": 0.5,
        "gold": "x",
    },
    {"conversation_id": "b", "turn": 1, "role": "user", "content": "None"},
]


def read(*rows: dict[str, Any]) -> tuple[Conversation, ...]:
    return conversations_of([json.dumps(row) for row in rows])


def test_rows_become_conversations() -> None:
    first, second = read(*ROWS)

    assert (first.id, second.id) == ("1", "b")
    assert first.system == "S"
    assert [turn.message for turn in first.turns] == [
        Message.of_text("user", "a"),
        Message("assistant", (ToolCallPart("c1", "f", "{}"),)),
        Message("tool", (ToolResultPart("c1", ""),)),
    ]
    assert [turn.number for turn in first.turns] == [1, 2, 3]
    assert [turn.line for turn in (*first.turns, *second.turns)] == [1, 2, 3, 4]
    assert first.turns[2].delay_s == 0.5
    assert first.turns[2].others == {"gold": "x"}


def test_client_turns_are_numbered_through_the_file() -> None:
    turns = [turn for one in read(*ROWS) for turn in one.turns]

    assert [turn.sample_index for turn in turns] == [0, None, 1, 2]


def test_settings_are_read_by_their_names() -> None:
    tool = {"name": "f", "parameters": {"type": "object"}, "strict": True}
    row = ROWS[0] | {
        "model": "m",
        "stream": False,
        "max_new_tokens": 8.0,
        "stop": "x",
        "temperature": 0,
        "top_k": 3,
        "n": 2.0,
        "logit_bias": {"5": 1},
        "tools": [{"type": "function", "function": tool}],
    }

    ((turn,),) = (one.turns for one in read(row))

    assert turn.others == {}
    assert (turn.settings.model, turn.settings.stream) == ("m", False)
    assert turn.settings.tools == (
        Tool(name="f", description="", parameters={"type": "object"}, is_strict=True),
    )
    assert turn.settings.parameters == GenerationParameters(
        max_tokens=8,
        temperature=0,
        top_k=3,
        stop=("x",),
        extra={"n": 2, "logit_bias": {"5": 1}},
    )


def test_names_of_one_setting_may_agree() -> None:
    row = ROWS[0] | {"max_tokens": 8, "max_completion_tokens": 8}

    ((turn,),) = (one.turns for one in read(row))

    assert turn.settings.parameters.max_tokens == 8


def test_null_and_nan_are_absent() -> None:
    row = ROWS[0] | dict.fromkeys(
        ["tools", "name", "model", "temperature", "delay_seconds"], float("nan")
    )
    row |= dict.fromkeys(["tool_calls", "tool_results", "stop", "gold"])

    ((turn,),) = (one.turns for one in read(row))

    ((plain,),) = (one.turns for one in read(ROWS[0]))
    assert turn == plain


def test_arguments_that_are_an_object_become_text() -> None:
    call = CALL | {"function": {"name": "f", "arguments": {"é": 1}}}

    first, _ = read(ROWS[0], ROWS[1] | {"tool_calls": [call]}, ROWS[3])

    assert first.turns[1].message.parts == (ToolCallPart("c1", "f", '{"é":1}'),)


def test_a_conversation_on_one_line_is_the_same_as_its_rows() -> None:
    calls = [CALL, CALL | {"id": "c2"}]
    whole = {
        "conversation_id": 1,
        "temperature": 0,
        "category": "k",
        "messages": [
            {"role": "system", "content": "S"},
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c1", "content": "x"},
            {"role": "tool", "tool_call_id": "c2", "content": "y"},
            {"role": "assistant", "content": "b"},
            {"role": "user", "content": "c", "temperature": 1},
        ],
    }

    (one,) = read(whole)

    assert one.system == "S"
    assert one.others == {"category": "k"}
    assert [turn.number for turn in one.turns] == [1, 2, 3, 4, 5]
    assert one.turns[2].message == Message(
        "tool", (ToolResultPart("c1", "x"), ToolResultPart("c2", "y"))
    )
    assert [turn.settings.parameters.temperature for turn in one.turns] == [
        *(0, None, 0),
        *(None, 1),
    ]


def test_rows_and_whole_conversations_may_stand_in_one_file() -> None:
    whole = {"conversation_id": "w", "messages": [{"role": "user", "content": "a"}]}

    ids = [one.id for one in read(whole, *ROWS)]

    assert ids == ["w", "1", "b"]


def test_metadata_and_empty_lines_are_passed_over() -> None:
    lines = ['{"_type": "dataset_metadata"}', "", json.dumps(ROWS[3]), " "]

    (one,) = conversations_of(lines)

    assert one.turns[0].line == 3


def test_a_file_may_have_windows_line_ends_and_odd_separators(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    row = json.dumps(ROWS[3] | {"content": "a\u2028b"}, ensure_ascii=False)
    path.write_bytes(b"\xef\xbb\xbf" + f"{row}\r\n".encode())

    (one,) = read_conversations(path)

    assert one.turns[0].message.parts == (TextPart("a\u2028b"),)


def test_a_problem_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    path.write_text('{"role": "user"}\n')

    with pytest.raises(ConversationError, match=f"{path}:1: conversation_id must"):
        read_conversations(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe")

    for name in ("absent.jsonl", "bytes.jsonl"):
        with pytest.raises(DatasetError, match=f"{name}: cannot read conversations"):
            read_conversations(tmp_path / name)
