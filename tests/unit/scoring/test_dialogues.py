from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.conversations import read_conversations
from pytest_evalkit.errors import ScoringError
from pytest_evalkit.messages import ToolCallPart
from pytest_evalkit.scoring.dialogues import (
    last_turn,
    match_tool_calls,
    multiset_overlap,
    per_turn_mean,
    shell_programs,
)
from tests.unit.fuzzing import fuzz

RECORDED = (
    Path(__file__).parents[4]
    / "shared"
    / "data"
    / "endpoints"
    / "agentic_coding_2.5h.jsonl"
)


def call(name: str, arguments: Any = None, call_id: str = "c") -> ToolCallPart:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return ToolCallPart(call_id, name, text)


def test_the_last_turn_decides_alone() -> None:
    assert last_turn([1, 1, 0.25]) == 0.25
    assert last_turn([1, None]) == 0
    assert last_turn([1, None], "exclude") is None


def test_turns_are_averaged_with_those_that_are_missing_as_nothing() -> None:
    assert per_turn_mean([1, 0.5, None, None]) == 0.375
    assert per_turn_mean([1, 0.5, None, None], "exclude") == 0.75
    assert per_turn_mean([None], "exclude") is None


def test_a_conversation_without_turns_has_no_score() -> None:
    for score in (last_turn, per_turn_mean):
        with pytest.raises(ScoringError, match="without turns"):
            score([])


@pytest.mark.parametrize(
    ("called", "expected", "match"),
    [
        ([call("f", {"a": 1})], [call("f", {"a": 1}, "other")], (1, 1)),
        ([call("f", {"a": 1})], [call("f", {"a": 2})], (1, 0)),
        ([call("g", {"a": 1})], [call("f", {"a": 1})], (0, 0)),
        ([call("f"), call("f")], [call("f")], (0, 0)),
        ([], [call("f")], (0, 0)),
        ([call("f")], [], (0, 0)),
        ([], [], (1, 1)),
        (
            [call("f", '{"b": [1, 2.0],"a":1}')],
            [call("f", {"a": 1, "b": [1, 2]})],
            (1, 1),
        ),
        ([call("f", {"a": [2, 1]})], [call("f", {"a": [1, 2]})], (1, 0)),
        ([call("f", {"a": True})], [call("f", {"a": 1})], (1, 0)),
        ([call("f", {"a": ["truth", True]})], [call("f", {"a": ["truth", 1]})], (1, 0)),
        ([call("f", {"a": True})], [call("f", {"a": ["truth", True]})], (1, 0)),
        ([call("f", {"a": None})], [call("f", {})], (1, 0)),
        ([call("f", "")], [call("f", {})], (1, 1)),
        ([call("f", "not json")], [call("f", {})], (1, 0)),
        ([call("f", "[1]")], [call("f", {})], (1, 0)),
        ([call("g"), call("f")], [call("f"), call("g")], (1, 1)),
        (
            [call("f", {"a": 1}), call("f", {"a": 1})],
            [call("f", {"a": 1}), call("f", {"a": 2})],
            (1, 0),
        ),
    ],
)
def test_calls_match_by_names_and_by_arguments(
    called: list[ToolCallPart], expected: list[ToolCallPart], match: tuple[float, float]
) -> None:
    assert match_tool_calls(called, expected) == match


def test_order_counts_only_where_it_is_asked_for() -> None:
    first, second = call("f", {"a": 1}), call("f", {"a": 2})

    assert match_tool_calls([second, first], [first, second]) == (1, 1)
    assert match_tool_calls([second, first], [first, second], is_ordered=True) == (1, 0)
    assert match_tool_calls([first, second], [first, second], is_ordered=True) == (1, 1)


def test_expected_arguments_that_are_no_object_are_an_error() -> None:
    with pytest.raises(ScoringError, match="arguments of f must be a JSON object"):
        match_tool_calls([], [call("f", "[]")])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
calls = st.lists(
    st.tuples(st.sampled_from("fgh"), st.dictionaries(st.text(), values)), max_size=4
)


@fuzz(100)
@given(calls, st.randoms(use_true_random=False))
def test_calls_match_themselves_in_any_order(
    said: list[tuple[str, dict[str, Any]]], rng: Random
) -> None:
    expected = [call(name, arguments) for name, arguments in said]

    shuffled = rng.sample(expected, len(expected))

    assert match_tool_calls(shuffled, expected) == (1, 1)
    assert match_tool_calls([*shuffled, call("extra")], expected) == (0, 0)


@pytest.mark.parametrize(
    ("done", "expected", "overlap"),
    [
        (["a", "b"], ["b", "a"], 1),
        (["a", "a", "b"], ["a", "b", "b"], 0.5),
        (["a"], ["b"], 0),
        ([], ["a"], 0),
        (["a"], [], 0),
        ([], [], 1),
    ],
)
def test_overlap_is_what_is_common_over_what_is_in_either(
    done: list[str], expected: list[str], overlap: float
) -> None:
    assert multiset_overlap(done, expected) == overlap
    assert multiset_overlap(expected, done) == overlap


@pytest.mark.parametrize(
    ("command", "programs"),
    [
        ("", ()),
        ("ls", ("ls",)),
        ("ls\ncat a", ("ls", "cat")),
        ("cd /a && A=1 B=2 /usr/bin/grep -n 'x; y' z | head", ("cd", "grep", "head")),
        ("sudo make; (cd a && make) & wait", ("make", "cd", "make", "wait")),
        ("ls 2>/dev/null > out; wc < in", ("ls", "wc")),
        ("make 2>&1 | tee log", ("make", "tee")),
        ("> out echo a", ("echo",)),
        ('echo "a\nb; c" && ls', ("echo", "ls")),
        ("python - <<'EOF' && ls\nit's; import os\nEOF\nwc", ("python", "ls", "wc")),
        ("cat <<A <<-B\na\nA\nb\n\tB\nls", ("cat", "ls")),
        ("cat <<<word\nls", ("cat", "ls")),
        ("if test -f a; then ls; fi", ("test", "ls")),
        ("a || ! b", ("a", "b")),
        ("echo 'a", ()),
        ("# it's all\nls # of all", ("ls",)),
    ],
)
def test_the_programs_of_a_command_line_are_those_that_a_shell_starts(
    command: str, programs: tuple[str, ...]
) -> None:
    assert shell_programs(command) == programs


def test_recorded_commands_are_read() -> None:
    if not RECORDED.is_file():
        pytest.skip("the recorded conversations are not here")
    commands = [
        json.loads(part.arguments)["command"]
        for one in read_conversations(RECORDED)
        for turn in one.turns
        for part in turn.message.parts
        if isinstance(part, ToolCallPart)
    ]

    programs = Counter(name for command in commands for name in shell_programs(command))

    assert len(commands) == 1012
    assert [command for command in commands if not shell_programs(command)] == []
    # Each is a program: nothing of quotes, comments and here-documents is among them.
    assert set(programs) == {
        *("python", "grep", "sed", "cd", "cat", "head", "python3", "tail", "git"),
        *("pip", "echo", "find", "ls", "rm", "xargs", "pwd", "python3.10", "true"),
        *("mkdir", "which", "pip3.10", "sphinx-quickstart", "sphinx-build", "conda"),
        *("cp", "sort"),
    }
