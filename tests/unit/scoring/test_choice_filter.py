from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_evalkit.errors import OptionError, ScoringError
from pytest_evalkit.scoring.filters import filter_of

ANIMALS = ("a cat", "a cat and a dog", "nothing")


def found(
    response: Any,
    choices: Sequence[str] = ANIMALS,
    compat: str = "fixed",
    **kwargs: Any,
) -> Any:
    given = {"regex_pattern": r"(\([A-Z]\))", **kwargs}
    apply = filter_of("multi_choice_regex", given, compat=compat)
    (answer,) = apply([response], {"choices": list(choices)})
    return answer


def test_the_pattern_comes_first_and_stays_as_it_is() -> None:
    assert found("nothing but (B)") == "(B)"


def test_the_text_of_a_choice_becomes_its_letter() -> None:
    assert found("I see nothing there.") == "(C)"


def test_a_choice_within_a_longer_one_does_not_hide_it() -> None:
    assert found("It is a cat and a dog") == "(B)"


def test_a_letter_after_a_colon_comes_last() -> None:
    assert found("Answer:  B") == "(B)"
    assert found("Answer: D") == "[invalid]"


def test_of_several_matches_one_is_selected() -> None:
    assert found("(A) or (C)", group_select=-1) == "(C)"


def test_a_match_that_there_is_not_leads_to_the_next_step() -> None:
    assert found("(A), so nothing; nothing", group_select=1) == "(C)"
    assert found("(A)", group_select=1) == "[invalid]"


def test_case_and_punctuation_can_be_ignored() -> None:
    kwargs: dict[str, Any] = {"ignore_case": True, "ignore_punctuation": True}

    assert found("¡NOTH-ING!", **kwargs) == "(C)"
    assert found("¡NOTH-ING!") == "[invalid]"


def test_patterns_can_be_ignored_in_choices_and_response() -> None:
    assert found("no-thing", ["no/thing"], regexes_to_ignore=["[-/]"]) == "(A)"


def test_a_choice_of_one_letter_stands_alone() -> None:
    assert found("I believe", ["I", "b"]) == "(A)"
    assert found("maybe", ["a", "b"]) == "[invalid]"
    assert found("maybe", ["a", "b"], compat="strict") == "(A)"


def test_an_answer_that_is_no_text_falls_back() -> None:
    assert found(None, fallback="none") == "none"


def test_without_choices_the_column_is_named() -> None:
    apply = filter_of("multi_choice_regex", {})

    with pytest.raises(ScoringError, match="column 'choices'; did you mean 'choice'"):
        apply(["x"], {"choice": []})


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"regexes_to_ignore": "x"}, "must be a list of patterns"),
        ({"regex_pattern": "("}, "not a regular expression"),
        ({"group_select": "last"}, "whole number as group_select"),
        ({"compat": "strict"}, "no argument 'compat'"),
    ],
)
def test_wrong_arguments_are_refused(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        filter_of("multi_choice_regex", kwargs)
