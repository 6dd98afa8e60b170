from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pytest

from pytest_evalkit.compat.filters import (
    ExtendedRegexFilter,
    Filter,
    LowercaseFilter,
    MajorityVoteFilter,
    MapFilter,
    RegexFilter,
    StripThinkingFilter,
    TakeFirstFilter,
    TakeKFilter,
    UppercaseFilter,
    WhitespaceFilter,
)
from pytest_evalkit.errors import OptionError

DOCS: list[dict[str, Any]] = [{}, {}]


@pytest.mark.parametrize(
    ("made", "filtered"),
    [
        (Filter(), [[" A "], ["b", "b", "c"]]),
        (WhitespaceFilter(), [["A"], ["b", "b", "c"]]),
        (LowercaseFilter(), [[" a "], ["b", "b", "c"]]),
        (UppercaseFilter(), [[" A "], ["B", "B", "C"]]),
        (TakeFirstFilter(), [" A ", "b"]),
        (TakeKFilter(k=1), [[" A "], ["b"]]),
        (MajorityVoteFilter(), [[" A "], ["b"]]),
        (MapFilter({"b": 1}, default_value=0), [[0], [1, 1, 0]]),
        (RegexFilter("[bc]"), [["[invalid]"], ["b", "b", "c"]]),
    ],
)
def test_filters_work_document_by_document(made: Filter, filtered: list[Any]) -> None:
    resps = [[" A "], ["b", "b", "c"]]

    assert list(made.apply(resps, DOCS)) == filtered


def test_a_filter_takes_no_argument_that_it_ignores() -> None:
    with pytest.raises(OptionError, match="has no argument 'k'"):
        TakeFirstFilter(k=1)


def test_a_filter_of_a_task_builds_on_what_the_pattern_filter_has() -> None:
    class Digits(RegexFilter):
        def apply(self, resps: Iterable[Any], docs: Iterable[Any]) -> list[Any]:
            found = super().apply(resps, docs)
            return [
                [None if text == self.fallback else int(text) for text in texts]
                for texts in found
            ]

    made = Digits(r"\d+", group_select=-1)

    assert made.apply([["1 and 22"], ["none"]], DOCS) == [[22], [None]]
    assert (made.regex_pattern, made.regex) == (r"\d+", re.compile(r"\d+"))


def test_the_steps_of_the_extended_filter() -> None:
    made = ExtendedRegexFilter(
        ignore_case=True, ignore_punctuation=True, regexes_to_ignore=[r"\$"]
    )

    assert made.filter_ignores("It's $5, OK?") == "its 5 ok"
    assert made.find_match(re.compile(r"\((.)\)|(.)$"), "x (A) ") == "A"
    assert made.find_match(re.compile(r"\w"), "yes", {"y": "(Y)"}) == "(Y)"
    assert made.find_match(re.compile(r"\d"), "none") is None


def test_thoughts_are_stripped_of_texts_alone() -> None:
    made = StripThinkingFilter()

    filtered = made.apply([["<think>a</think> b", 3], ["<thinking>x"]], DOCS)

    assert filtered == [["b", 3], ["<thinking>x"]]
