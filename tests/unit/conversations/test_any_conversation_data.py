"""Whatever stands in a file, it is read, or told in one error of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.conversations import conversations_of, recorded_prompts
from pytest_evalkit.conversations.fields import SETTINGS
from pytest_evalkit.conversations.snapshots import converted, mismatches, snapshots_of
from pytest_evalkit.errors import EvalkitError
from pytest_evalkit.messages import to_openai_messages
from tests.unit import fuzzing

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | fuzzing.odd_numbers
    | fuzzing.odd_texts
    | st.sampled_from(["user", "assistant", "tool", "function", "c1", ""]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("id", "type", "function", "name", "arguments", "role"),
                    *("tool_call_id", "content", "parameters"),
                ]
            ),
            inner,
        )
    ),
    max_leaves=6,
)
FIELDS = [
    *("conversation_id", "turn", "role", "content", "system", "tool_calls", "name"),
    *("tool_results", "tools", "reasoning_content", "delay_seconds", "messages"),
    *("_type", "other", "conversation_idx"),
    *SETTINGS,
]
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
SOUND: list[dict[str, Any]] = [
    {"role": "user", "content": "a"},
    {"role": "assistant", "tool_calls": [CALL]},
    {"role": "tool", "tool_results": [{"tool_call_id": "c1", "content": "x"}]},
    {"role": "assistant", "content": "b"},
]


@st.composite
def rows(draw: st.DrawFn) -> list[str]:
    """Draw a sound conversation in which some fields are anything."""
    found = []
    for turn, sound in enumerate(SOUND, start=1):
        odd = draw(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=2))
        found.append(json.dumps({"conversation_id": "k", "turn": turn, **sound, **odd}))
    return found


@fuzzing.fuzz(200)
@given(rows() | st.lists(VALUES.map(json.dumps) | st.text(), max_size=3))
def test_any_rows_are_read_or_told(lines: list[str]) -> None:
    try:
        found = conversations_of(lines)
    except EvalkitError:
        return

    for one in found:
        bodies = [
            to_openai_messages(prompt.messages) for prompt in recorded_prompts(one)
        ]
        assert len(bodies) == len(one.client_turns)
        assert all(body[-1]["role"] in {"user", "tool"} for body in bodies)


@fuzzing.fuzz(200)
@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), VALUES), max_size=3))
def test_any_log_is_converted_or_told(messages: list[dict[str, Any]]) -> None:
    line = {"conversation_id": "k", "conversation_idx": 0, "messages": messages}

    try:
        snapshots = snapshots_of([json.dumps(line)])
        rows = converted(snapshots)
        found = mismatches(snapshots, rows)
    except EvalkitError:
        return

    assert isinstance(found, list)


DEEP = "[" * 5000 + "]" * 5000


def deep(key: str) -> str:
    """Write a row of which one field nests deeper than calls can."""
    row = json.dumps({"conversation_id": "k", "turn": 1, **SOUND[0]})
    return f'{row[:-1]}, "{key}": {DEEP}}}'


@pytest.mark.parametrize("key", ["tools", "logit_bias", "tool_calls", "other"])
def test_what_nests_deeply_is_told(key: str) -> None:
    with pytest.raises(EvalkitError) as caught:
        conversations_of([deep(key)])

    assert len(str(caught.value)) < 500


def test_a_long_value_is_cut_in_its_message() -> None:
    row = {"conversation_id": "k", "turn": 1, "role": "x" * 5000, "content": []}

    with pytest.raises(EvalkitError) as caught:
        conversations_of([json.dumps(row)])

    assert len(str(caught.value)) < 300
