from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.scoring import (
    as_number,
    last_boxed,
    last_tagged,
    number_match,
    read_final_answer,
    read_number,
    read_yes_no,
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3", 3),
        ("There are 3.", 3),
        ("There are three dogs", 3),
        ("twenty-one", 21),
        ("one hundred and five", 105),
        ("two thousand three hundred", 2300),
        ("1,234", 1234),
        ("$1,234.50", 1234.5),
        ("12 years", 12),
        ("45km", 45),
        ("50%", 50),
        ("-4", -4),
        ("−4", -4),
        ("from 10-20", 20),
        (".5", 0.5),
        ("2e3", 2000),
        ("1, 2 and 3", 3),
        ("3 apples, not five", 3),
        ("H2O", None),
        ("none", None),
        ("", None),
        ("<answer>4</answer> 5", 4),
        ("\\boxed{12} since 3 times 4", 12),
        ("The year is 2019.", 2019),
    ],
)
def test_the_last_number_is_read(text: str, number: float | None) -> None:
    parsed = read_number(text)

    assert parsed.value == number
    assert parsed.is_found == (number is not None)


def test_a_whole_number_is_an_int() -> None:
    assert repr(read_number("3.0").value) == "3"
    assert repr(read_number("3.5").value) == "3.5"


def test_which_number_counts_can_be_said() -> None:
    assert read_number("1 of 2", which="first").value == 1
    assert read_number("1 of 2", which="only").status == "ambiguous"
    assert read_number("2 of 2", which="only").value == 2
    assert read_number("three", words=False).status == "none"
    assert read_number("50%", percent="fraction").value == 0.5


@pytest.mark.parametrize(("text", "number"), [(" 1,000 ", 1000), ("12 years", None)])
def test_a_text_that_is_a_number(text: str, number: float | None) -> None:
    assert as_number(text) == number


@pytest.mark.parametrize(
    ("reference", "prediction", "score"),
    [
        (3, "There are 3.", 1.0),
        ("3", "three", 1.0),
        ("3", "13", 0.0),
        ("3", "3.5", 0.0),
        ("13", "3", 0.0),
        ("3", None, 0.0),
        ("3", "none", 0.0),
        ("many", "many", 0.0),
        (["2", "3"], 3, 1.0),
    ],
)
def test_numbers_match(reference: Any, prediction: Any, score: float) -> None:
    references = reference if isinstance(reference, list) else [reference]

    assert number_match(references=references, predictions=[prediction]) == score


def test_numbers_may_be_off_by_a_tolerance() -> None:
    texts = {"references": ["1.25"], "predictions": ["1.5"]}

    assert number_match(**texts, tolerance=0.25) == 1.0
    assert number_match(**texts, tolerance=0.24) == 0.0


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Yes", "yes"),
        ("Yes.", "yes"),
        ("no", "no"),
        ("Y", "yes"),
        ("n.", "no"),
        ("**No**", "no"),
        ("Yes, there is no doubt.", "yes"),
        ("No, that is not so.", "no"),
        ("There is no dog.", "no"),
        ("I would say yes", "yes"),
        ("The answer is yes, although no dog is in sight", "yes"),
        ("Answer: No", "no"),
        ("The answer is no. On reflection, the answer is yes.", "yes"),
        ("<answer>no</answer>", "no"),
        ("<answer>Yes</answer> <answer>No</answer>", "no"),
        ("\\boxed{\\text{Yes}}", "yes"),
        ("是的。", "yes"),
        ("不是", "no"),
    ],
)
def test_yes_and_no_are_read(text: str, word: str) -> None:
    assert read_yes_no(text).value == word


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("not sure", "none"),
        ("Not at all", "none"),
        ("nothing", "none"),
        ("None of them", "none"),
        ("yesterday", "none"),
        ("now", "none"),
        ("", "none"),
        ("Yes and no", "ambiguous"),
        ("yes/no", "ambiguous"),
        ("It could be yes, it could be no", "ambiguous"),
    ],
)
def test_neither_is_made_up(text: str, status: str) -> None:
    parsed = read_yes_no(text)

    assert (parsed.value, parsed.status) == (None, status)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("<answer>A</answer> <answer> B </answer>", "B"),
        ("<ANSWER>A</ANSWER>", "A"),
        ("<answer>A", "A"),
        ("<answer></answer>", ""),
        ("answer: A", None),
    ],
)
def test_the_last_answer_tag_counts(text: str, content: str | None) -> None:
    assert last_tagged(text, "answer") == content


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (r"\boxed{1}, no, \boxed{2}", "2"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{1} and \boxed{2", "1"),
        (r"\boxed 7", "7"),
        ("nothing", None),
    ],
)
def test_the_last_box_that_balances_counts(text: str, content: str | None) -> None:
    assert last_boxed(text) == content


@pytest.mark.parametrize(
    ("text", "value", "rule"),
    [
        (r"<answer>A</answer> \boxed{B}", "A", "answer_tag"),
        (r"It is \boxed{B}.", "B", "boxed"),
        (" It is B. ", "It is B.", "whole"),
        ("<answer> </answer> B", None, None),
        ("  ", None, None),
    ],
)
def test_a_final_answer_is_tagged_or_boxed_or_all(
    text: str, value: str | None, rule: str | None
) -> None:
    parsed = read_final_answer(text)

    assert (parsed.value, parsed.rule) == (value, rule)


@given(st.text(max_size=100))
def test_any_text_can_be_read(text: str) -> None:
    for parsed in (read_number(text), read_yes_no(text), read_final_answer(text)):
        assert parsed.is_found == (parsed.value is not None)
