from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_evalkit.errors import OptionError, ScoringError
from pytest_evalkit.scoring.filters import FILTERS, filter_of


def applied(function: Any, responses: Any, **kwargs: Any) -> Any:
    return filter_of(function, kwargs)(responses, {"id": 7})


def test_take_first_unwraps_the_first_response() -> None:
    assert applied("take_first", ["a", "b"]) == "a"


def test_take_first_leaves_a_single_value_whole() -> None:
    assert applied("take_first", "abc") == "abc"


def test_take_first_k_keeps_a_list() -> None:
    assert applied("take_first_k", ["a", "b", "c"], k=2) == ["a", "b"]


def test_take_first_k_of_too_few_is_an_error() -> None:
    with pytest.raises(ScoringError, match=r"wants 3 responses .* there are 2"):
        applied("take_first_k", ["a", "b"], k=3)


def test_majority_vote_prefers_the_first_seen_of_equals() -> None:
    assert applied("majority_vote", ["b", "a", "a", "b", "c"]) == ["b"]


@pytest.mark.parametrize(
    ("response", "kwargs", "extracted"),
    [
        ("so #### 1,234.5", {}, "1,234.5"),
        ("no number", {}, "[invalid]"),
        ("1 2 3", {"regex_pattern": r"\d", "group_select": -1}, "3"),
        ("1 2 3", {"regex_pattern": r"\d", "group_select": 1}, "2"),
        ("1 2 3", {"regex_pattern": r"\d", "group_select": 3}, "[invalid]"),
        ("1 2 3", {"regex_pattern": r"\d", "group_select": -4}, "[invalid]"),
        ("B", {"regex_pattern": "(A)|(B)"}, "B"),
        ("xy", {"regex_pattern": "(a?)(b?)x"}, "[invalid]"),
        ("is  7 .", {"regex_pattern": r"is(.*)\."}, "7"),
        ("none", {"regex_pattern": r"\d", "fallback": None}, None),
        (3, {"regex_pattern": r"\d"}, "[invalid]"),
    ],
)
def test_regex_extracts(response: Any, kwargs: dict[str, Any], extracted: Any) -> None:
    assert applied("regex", [response], **kwargs) == [extracted]


@pytest.mark.parametrize(
    ("function", "kwargs", "edited"),
    [
        ("remove_whitespace", {}, ["A b", "c"]),
        ("lowercase", {}, [" a b\n", "c"]),
        ("uppercase", {}, [" A B\n", "C"]),
        ("map", {"mapping_dict": {"c": 3}}, [None, 3]),
        ("map", {"mapping_dict": {"c": 3}, "default_value": 0}, [0, 3]),
    ],
)
def test_each_response_is_edited(
    function: str, kwargs: dict[str, Any], edited: list[Any]
) -> None:
    assert applied(function, [" A b\n", "c"], **kwargs) == edited


def test_a_value_already_taken_is_edited_whole() -> None:
    assert applied("lowercase", "AB") == "ab"


class _Labelled:
    def __init__(self, label: str = "") -> None:
        self.label = label

    def apply(
        self, resps: Sequence[Sequence[str]], docs: Sequence[dict[str, Any]]
    ) -> Any:
        return map(
            lambda answers, doc: [f"{self.label}{a}{doc['id']}" for a in answers],
            resps,
            docs,
        )


def test_a_class_is_made_with_its_arguments_and_sees_the_document() -> None:
    assert applied(_Labelled, ["a", "b"], label="-") == ["-a7", "-b7"]


def test_a_function_gets_lists_of_one() -> None:
    seen: list[Any] = []

    def custom(resps: Any, docs: Any, *, add: str) -> Any:
        seen.extend((resps, docs))
        return [[answer + add for answer in resps[0]]]

    assert applied(custom, ["a"], add="!") == ["a!"]
    assert seen == [[["a"]], [{"id": 7}]]


@pytest.mark.parametrize(
    ("returned", "message"),
    [([], "made 0 results"), (["a", "b"], "made 2 results"), (None, "NoneType")],
)
def test_a_filter_that_loses_the_document_is_an_error(
    returned: Any, message: str
) -> None:
    def lossy(_resps: Any, _docs: Any) -> Any:
        return returned

    with pytest.raises(ScoringError, match=message):
        applied(lossy, ["a"])


def test_a_class_without_apply_is_refused() -> None:
    with pytest.raises(OptionError, match=r"no method apply\(resps, docs\)"):
        filter_of(int, {})


def test_a_class_refuses_arguments_in_one_line() -> None:
    with pytest.raises(OptionError, match="'_Labelled' cannot be made with"):
        filter_of(_Labelled, {"lable": "x"})


def test_a_misspelt_filter_names_the_nearest() -> None:
    with pytest.raises(OptionError, match="did you mean 'take_first'"):
        filter_of("take_frist", {})


@pytest.mark.parametrize(
    ("function", "kwargs", "message"),
    [
        ("regex", {"regex_patern": "a"}, "did you mean 'regex_pattern'"),
        ("take_first", {"k": 1}, "no argument 'k'; it has none"),
        ("take_first_k", {}, "needs the argument 'k'"),
        ("take_first_k", {"k": 0}, "needs k >= 1, not 0"),
        ("take_first_k", {"k": True}, "needs k >= 1, not True"),
        ("regex", {"regex_pattern": "("}, "not a regular expression"),
        ("regex", {"regex_pattern": 3}, "not a regular expression"),
        ("regex", {"group_select": "last"}, "whole number as group_select"),
        ("map", {"mapping_dict": ["a"]}, "needs a mapping as mapping_dict"),
    ],
)
def test_a_wrong_argument_is_refused(
    function: str, kwargs: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        filter_of(function, kwargs)


def test_every_filter_is_listed_under_its_own_name() -> None:
    assert sorted(FILTERS) == [
        "choice",
        "custom",
        "final_answer",
        "format_span",
        "lowercase",
        "majority_vote",
        "map",
        "multi_choice_regex",
        "number",
        "regex",
        "regex_pos",
        "remove_whitespace",
        "strip_thinking",
        "take_first",
        "take_first_k",
        "uppercase",
        "yes_no",
    ]
