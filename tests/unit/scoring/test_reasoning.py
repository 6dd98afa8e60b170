from __future__ import annotations

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.scoring import (
    DEFAULT_REASONING_TAGS,
    Stripped,
    parse_reasoning_tags,
    strip_reasoning,
)


@pytest.mark.parametrize(
    ("text", "answer", "reasoning", "truncated"),
    [
        ("<think>a</think> b", "b", "a", False),
        ("x <think>a</think> y <think>b</think> z", "x  y  z", "a\nb", False),
        ("<analysis>a</analysis>b<think>c</think>d", "bd", "a\nc", False),
        ("thought</think>\n\n4", "4", "thought", False),
        ("one</think>two</think>4", "4", "one</think>two", False),
        ("before <think>never ends", "before", "never ends", True),
        ("<think>never ends", "", "never ends", True),
        ("a</think>b<think>c", "b", "a\nc", True),
        ("<think>a<think>b</think>c</think>d", "d", "c\na<think>b", False),
        ("<analysis>a <think>b</analysis>c", "c", "a <think>b", False),
        ("<think></think>4", "4", "", False),
    ],
)
def test_thoughts_are_told_from_the_answer(
    text: str, answer: str, reasoning: str, truncated: bool
) -> None:
    stripped = strip_reasoning(text, DEFAULT_REASONING_TAGS)

    assert stripped == Stripped(text=answer, reasoning=reasoning, truncated=truncated)


@pytest.mark.parametrize("text", [" 4 \n", "", "<THINK>a</THINK> 4 ", "<thinking> "])
def test_a_text_without_a_tag_is_left_as_it_is(text: str) -> None:
    stripped = strip_reasoning(text, DEFAULT_REASONING_TAGS)

    assert stripped == Stripped(text=text, reasoning=None, truncated=False)


def test_no_tags_leave_a_thought_in_the_text() -> None:
    stripped = strip_reasoning("<think>a</think> b", ())

    assert stripped.text == "<think>a</think> b"


def test_tags_are_no_regular_expressions() -> None:
    stripped = strip_reasoning("[a](t)b(/t)c", (("(t)", "(/t)"),))

    assert stripped.text == "[a]c"


def test_tags_are_read_from_json() -> None:
    assert parse_reasoning_tags('[["<a>", "</a>"], ["<b>", "</b>"]]') == (
        ("<a>", "</a>"),
        ("<b>", "</b>"),
    )


def test_tags_are_taken_from_a_task_file_as_they_are() -> None:
    assert parse_reasoning_tags([["<a>", "</a>"]]) == (("<a>", "</a>"),)


def test_none_means_no_tags() -> None:
    assert parse_reasoning_tags("none") == ()


@pytest.mark.parametrize(
    "option",
    ["think", "[]", '["<a>", "</a>"]', '[["<a>"]]', '[["", "</a>"]]', "3", 3, None, []],
)
def test_wrong_tags_are_refused_with_an_example(option: object) -> None:
    with pytest.raises(OptionError) as caught:
        parse_reasoning_tags(option)

    assert repr(option) in str(caught.value)
    assert '[["<think>", "</think>"]]' in str(caught.value)
