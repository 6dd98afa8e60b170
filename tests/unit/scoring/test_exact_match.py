from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.scoring.aggregations import bypass, median
from pytest_evalkit.scoring.metrics import exact_match


@pytest.mark.parametrize(
    ("reference", "prediction", "options", "score"),
    [
        ("Paris", "Paris", {}, 1.0),
        ("Paris", "paris", {}, 0.0),
        ("Paris", "paris", {"ignore_case": True}, 1.0),
        ("Paris", "Paris ", {"ignore_case": True, "ignore_punctuation": True}, 0.0),
        ("U.S.A.", "USA", {"ignore_punctuation": True}, 1.0),
        ("Apollo 11", "Apollo 13", {"ignore_numbers": True}, 1.0),
        ("Apollo 11", "Apollo", {"ignore_numbers": True}, 0.0),
        ("so 2+2\n#### 4", "4", {"regexes_to_ignore": ["(?s).*#### "]}, 1.0),
        ("1,234", "$1234", {"regexes_to_ignore": [",", r"\$"]}, 1.0),
        # The pattern sees upper case: case goes after the patterns.
        ("ab", "ABX", {"regexes_to_ignore": ["X"], "ignore_case": True}, 1.0),
        ("ab", "ABx", {"regexes_to_ignore": ["X"], "ignore_case": True}, 0.0),
        # Curly quotes are not ASCII punctuation.
        ("it", "“it”", {"ignore_punctuation": True}, 0.0),
    ],
)
def test_both_sides_are_made_normal_before_comparing(
    reference: str, prediction: str, options: dict[str, Any], score: float
) -> None:
    value = exact_match(references=[reference], predictions=[prediction], **options)

    assert value == score


def test_the_score_is_the_share_of_matches() -> None:
    value = exact_match(references=["a"] * 4, predictions=["a", "b", "a", "a"])

    assert value == 0.75


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        exact_match(references=["a"], predictions=["a", "b"])


@given(st.text(), st.sampled_from(string.punctuation), st.integers(0, 10))
def test_punctuation_anywhere_makes_no_difference(
    text: str, mark: str, place: int
) -> None:
    marked = text[:place] + mark + text[place:]

    score = exact_match(
        references=[text], predictions=[marked], ignore_punctuation=True
    )

    assert score == 1.0


def test_the_median_of_an_even_number_is_the_upper_one() -> None:
    assert median([4, 1, 3, 2]) == 3
    assert median([4, 1, 3]) == 3


def test_bypass_is_999_whatever_the_values() -> None:
    assert bypass([None, None]) == 999
