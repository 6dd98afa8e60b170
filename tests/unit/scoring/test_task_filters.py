from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.scoring import build_plan, register_filter
from pytest_evalkit.scoring.filters import filter_of


def applied(function: Any, responses: Any, **kwargs: Any) -> Any:
    return filter_of(function, kwargs)(responses, {"id": 7})


@pytest.mark.parametrize(
    ("response", "spans"),
    [
        ("Person: Anna $$ location: Oslo", "per: anna  $ loc: oslo"),
        ("ORG : UN, none, NATO\nDate: May", "org: un $ org: nato $ date: may"),
        ("persons:Anna$$places: Kenya$$", "per: anna $ loc: kenya"),
        ("no entity at all", ""),
        ("supper: soup", ""),
    ],
)
def test_entities_are_written_in_one_form(response: str, spans: str) -> None:
    assert applied("format_span", [response]) == [spans.replace("  ", " ")]


def test_tags_of_pairs_are_kept_as_a_list() -> None:
    response = "[('The', 'DET'), ('cat', 'NOUN')]"

    assert applied("regex_pos", [response, "none"]) == [["DET", "NOUN"], ["invalid"]]
    assert applied("regex_pos", ["none"], fallback=["?"]) == [["?"]]
    assert applied("regex_pos", [[("cat", "NOUN")]]) == [["NOUN"]]


@pytest.mark.parametrize(
    ("response", "kwargs", "answer"),
    [
        ("<think>2+2</think> 4 ", {}, "4"),
        ("<thinking>2+2</thinking>4", {}, "4"),
        ("2+2</think> 4", {}, "4"),
        ("<t>2+2</t>4", {"tag_pairs": [["<t>", "</t>"]]}, "4"),
        (" 4 ", {}, "4"),
        (None, {}, None),
    ],
)
def test_thoughts_are_taken_out(
    response: Any, kwargs: dict[str, Any], answer: Any
) -> None:
    assert applied("strip_thinking", [response], **kwargs) == [answer]


def test_tags_that_are_no_pairs_are_refused() -> None:
    with pytest.raises(OptionError, match="reasoning tags are"):
        applied("strip_thinking", ["x"], tag_pairs=["<t>"])


def test_in_the_lmms_dialect_one_leading_space_is_removed() -> None:
    steps = [{"function": "remove_whitespace"}]
    plans = [
        build_plan([{"name": "n", "filter": steps}], None, None, dialect=dialect)
        for dialect in ("lm", "lmms")
    ]

    edited = [plan.pipelines[0].steps[0](["  a "], {}) for plan in plans]

    assert edited == [["a"], [" a "]]


def test_a_function_of_the_task_gets_lists_of_one() -> None:
    def doubled(resps: Any, docs: Any) -> Any:
        return [[answer * 2 for answer in resps[0]] + [docs[0]["id"]]]

    assert applied("custom", ["a"], filter_fn=doubled) == ["aa", 7]


def test_a_custom_filter_wants_a_function() -> None:
    with pytest.raises(OptionError, match="needs a !function as filter_fn, not 'x'"):
        applied("custom", ["a"], filter_fn="x")
    with pytest.raises(OptionError, match="needs the argument 'filter_fn'"):
        applied("custom", ["a"])


def test_what_does_nothing_in_the_reference_is_refused() -> None:
    with pytest.raises(OptionError, match="'decontaminate' does nothing"):
        applied("decontaminate", ["a"], path="x")


class _Shouting:
    def __init__(self, mark: str = "!") -> None:
        self.mark = mark

    def apply(self, resps: Any, _docs: Any) -> Any:
        return [[answer + self.mark for answer in resp] for resp in resps]


def test_a_registered_filter_is_found_by_its_name() -> None:
    register_filter("shouting_of_a_test", _Shouting)

    assert applied("shouting_of_a_test", ["a"], mark="?") == ["a?"]
    with pytest.raises(OptionError, match="did you mean 'shouting_of_a_test'"):
        applied("shouting_of_a_tset", ["a"])


def test_a_built_in_filter_cannot_be_registered_over() -> None:
    with pytest.raises(OptionError, match="'regex' is built in"):
        register_filter("regex", _Shouting)
