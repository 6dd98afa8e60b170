from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from pytest_evalkit.conversations.rows import Row, row_problems
from pytest_evalkit.conversations.schema import line_schema

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": {}}}
USER: dict[str, Any] = {
    "conversation_id": "k",
    "turn": 1,
    "role": "user",
    "content": "hi",
}
CALLS = USER | {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULTS = {
    "conversation_id": 7,
    "turn": 2,
    "role": "tool",
    "tool_results": [{"tool_call_id": "c", "content": ""}],
}
SOUND = [
    USER,
    USER | {"role": "assistant", "name": "bob", "reasoning_content": "hm"},
    USER | {"stop": ["a"], "top_p": 1, "temperature": None, "own": [1]},
    USER | {"tools": [{"type": "function", "function": {"name": "f"}}]},
    USER | {"tools": []},
    CALLS,
    CALLS | {"content": "I will."},
    CALLS | {"content": ""},
    RESULTS,
    RESULTS | {"content": ""},
]
BROKEN = [
    USER | {"content": ""},
    USER | {"content": None},
    USER | {"role": "system"},
    USER | {"turn": 0},
    USER | {"turn": 1.5},
    USER | {"conversation_id": ""},
    USER | {"conversation_id": None},
    USER | {"temperature": 2.5},
    USER | {"top_p": 0},
    USER | {"stop": []},
    USER | {"n": 1.5},
    USER | {"stream": 1},
    USER | {"tools": [{}]},
    USER | {"tool_calls": [CALL]},
    USER | {"delay_seconds": -1},
    CALLS | {"tool_calls": []},
    CALLS | {"tool_calls": [CALL | {"id": ""}]},
    CALLS | {"tool_calls": [CALL | {"type": "f"}]},
    CALLS | {"content": 1},
    RESULTS | {"tool_results": []},
    RESULTS | {"tool_results": [{"tool_call_id": "c"}]},
    RESULTS | {"content": "2"},
]
VALIDATOR = Draft7Validator(line_schema())


def test_the_schema_is_one() -> None:
    Draft7Validator.check_schema(line_schema())


@pytest.mark.parametrize("row", SOUND)
def test_a_sound_row_is_one_for_schema_and_reader(row: dict[str, Any]) -> None:
    assert list(VALIDATOR.iter_errors(row)) == []
    assert list(row_problems(Row.of(1, row))) == []


@pytest.mark.parametrize("row", BROKEN)
def test_a_broken_row_is_one_for_schema_and_reader(row: dict[str, Any]) -> None:
    assert list(VALIDATOR.iter_errors(row)) != []
    assert list(row_problems(Row.of(1, row))) != []


def test_a_conversation_on_one_line_has_messages_and_an_id() -> None:
    whole = {"conversation_id": "k", "messages": [{"role": "user", "content": "x"}]}

    assert list(VALIDATOR.iter_errors(whole)) == []
    assert list(VALIDATOR.iter_errors(whole | {"messages": []})) != []
    assert list(VALIDATOR.iter_errors({"messages": whole["messages"]})) != []


def test_recorded_rows_are_sound(recorded: Path) -> None:
    rows = [json.loads(line) for line in recorded.read_text("utf-8").splitlines()]

    assert len(rows) == 2014
    assert [row for row in rows if not VALIDATOR.is_valid(row)] == []
