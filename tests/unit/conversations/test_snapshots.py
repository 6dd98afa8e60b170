from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.conversations import (
    ConversationError,
    read_conversations,
    recorded_prompts,
)
from pytest_evalkit.conversations.snapshots import (
    converted,
    mismatches,
    snapshots_of,
)
from pytest_evalkit.messages import to_openai_messages

Said = dict[str, Any]
TOOLS = [{"type": "function", "function": {"name": "f"}}]
CALLS = [
    {"id": name, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    for name in ("c1", "c2")
]
MESSAGES: list[Said] = [
    {"role": "system", "content": "S"},
    {"role": "user", "content": "a"},
    {"role": "user", "content": "b"},
    {"role": "assistant", "content": None, "tool_calls": CALLS},
    {"role": "tool", "tool_call_id": "c1", "content": "x", "name": "f"},
    {"role": "tool", "tool_call_id": "c2", "content": "y", "name": "f"},
    {"role": "assistant", "content": "d", "reasoning_content": "hm"},
    {"role": "user", "content": "e"},
]
ENDS = (3, 6, 8)


def snapshot(place: int, messages: list[Said], name: str = "k") -> Said:
    return {
        "conversation_id": name,
        "conversation_idx": place,
        "messages": messages,
        "tools": TOOLS,
        "metadata": {},
    }


def log(*lines: Said) -> list[str]:
    return [json.dumps(line) for line in lines]


GROWING = [snapshot(n, MESSAGES[:end]) for n, end in enumerate(ENDS)]


def test_the_last_snapshot_becomes_rows() -> None:
    rows = converted(snapshots_of(log(*reversed(GROWING))))

    results = [
        {"tool_call_id": "c1", "content": "x"},
        {"tool_call_id": "c2", "content": "y"},
    ]
    place = [{"conversation_id": "k", "turn": turn} for turn in range(1, 6)]
    assert rows == [
        place[0] | {"tools": TOOLS, "system": "S", "role": "user", "content": "a\n\nb"},
        place[1] | {"role": "assistant", "tool_calls": CALLS},
        place[2]
        | {"tools": TOOLS, "role": "tool", "tool_results": results, "name": "f"},
        place[3] | {"role": "assistant", "content": "d", "reasoning_content": "hm"},
        place[4] | {"tools": TOOLS, "role": "user", "content": "e"},
    ]


def test_rows_of_a_log_make_the_prompts_of_the_log() -> None:
    snapshots = snapshots_of(log(*GROWING, snapshot(0, MESSAGES[:3], "b")))

    assert mismatches(snapshots, converted(snapshots)) == []


@pytest.mark.parametrize(
    ("row", "field", "value"),
    [(0, "content", "a b"), (0, "system", None), (3, "reasoning_content", None)],
)
def test_what_is_lost_is_found(row: int, field: str, value: Any) -> None:
    snapshots = snapshots_of(log(*GROWING))
    rows = converted(snapshots)
    rows[row][field] = value

    found = mismatches(snapshots, rows)

    assert str(found[-1]) == (
        "3: conversation 'k', turn 5: what the model is shown is not what the log has"
    )


def test_rows_that_end_early_are_found() -> None:
    snapshots = snapshots_of(log(*GROWING))

    (found,) = mismatches(snapshots, converted(snapshots)[:4])

    assert found.text == "2 requests would be made, and the log has 3"


def test_a_conversation_that_is_not_there_is_found() -> None:
    snapshots = snapshots_of(log(*GROWING))

    (found,) = mismatches(snapshots, [])

    assert found.text == "the conversation is not in the rows"


def test_a_history_that_was_rewritten_is_found() -> None:
    detour = snapshot(1, [*MESSAGES[:2], {"role": "user", "content": "other"}])
    snapshots = snapshots_of(log(GROWING[0], detour, GROWING[2]))

    (found,) = mismatches(snapshots, converted(snapshots))

    assert str(found).startswith("2: conversation 'k': snapshot 1 is no beginning")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "not JSON"),
        ("[]", "a snapshot is an object with messages"),
        ('{"messages": []}', "conversation_id must be a text, got None"),
        (
            '{"messages": [], "conversation_id": 1}',
            "conversation_idx must be a whole number, got None",
        ),
        (
            '{"messages": [], "conversation_id": 1, "conversation_idx": 0}',
            "messages must be a list of objects that is not empty",
        ),
    ],
)
def test_a_line_that_is_no_snapshot_is_told(line: str, told: str) -> None:
    with pytest.raises(ConversationError) as caught:
        snapshots_of(["", line])

    (problem,) = caught.value.problems
    assert problem.line == 2
    assert problem.text.startswith(told)


def test_recorded_conversations_survive_as_a_log(recorded: Path) -> None:
    log = [
        snapshot(place, to_openai_messages(prompt.messages), one.id)
        for one in read_conversations(recorded)
        for place, prompt in enumerate(recorded_prompts(one))
    ]
    lines = [json.dumps(line) for line in log]

    snapshots = snapshots_of(lines)
    rows = converted(snapshots)

    assert len(snapshots) == 1007
    assert mismatches(snapshots, rows) == []
    assert [row["role"] for row in rows].count("tool") == 987
