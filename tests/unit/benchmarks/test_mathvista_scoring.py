from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.unit.benchmarks.scored_answers import judge, prompt_of

LoadModule = Callable[[str], ModuleType]

FRACTION = {
    "question_type": "multi_choice",
    "answer_type": "text",
    "choices": ["3/11", "8/11", "6/11", "3/5"],
    "answer": "8/11",
    "precision": None,
}
WHOLE = {
    "question_type": "free_form",
    "answer_type": "integer",
    "choices": None,
    "answer": "14",
    "precision": None,
}
PRICE = WHOLE | {"answer_type": "float", "answer": "1.45", "precision": 2.0}
YEARS = WHOLE | {"answer_type": "list", "answer": "[2007, 2008]"}


@pytest.fixture
def utils(load_module: LoadModule) -> ModuleType:
    return load_module("mathvista/utils.py")


@pytest.mark.parametrize(
    ("doc", "answer", "score", "status"),
    [
        (FRACTION, "B", 1.0, "found"),
        (FRACTION, "The correct answer is (B) 8/11.", 1.0, "found"),
        (FRACTION, "8/11", 1.0, "found"),
        (FRACTION, "The answer is B because A is wrong", 1.0, "found"),
        (FRACTION, "I choose B over A", 1.0, "found"),
        (FRACTION, "A", 0.0, "found"),
        # The nearest option is no answer.
        (FRACTION, "8/12", 0.0, "none"),
        (FRACTION, "A fraction is shaded", 0.0, "none"),
        (FRACTION, "", 0.0, "none"),
        (FRACTION, "A or B", 0.0, "ambiguous"),
        (WHOLE, "14", 1.0, "found"),
        (WHOLE, "The number missing in the sequence is 14.", 1.0, "found"),
        (WHOLE, "We have 2 rows of 7.\nThe answer is 14.", 1.0, "found"),
        (WHOLE, "**Answer:** 14", 1.0, "found"),
        (WHOLE, "2 * 7 = 14", 1.0, "found"),
        (WHOLE, r"Therefore, the answer is \(14\).", 1.0, "found"),
        (WHOLE, r"First 3, then \boxed{14}, not 15", 1.0, "found"),
        (WHOLE, "<answer>fourteen</answer>", 1.0, "found"),
        (WHOLE, "Fourteen.", 1.0, "found"),
        (WHOLE, "The answer is 14 (2 times 7).", 1.0, "found"),
        (WHOLE, "The answer is not 15, it is 14.", 1.0, "found"),
        # The benchmark cuts off what is behind the point.
        (WHOLE, "14.0", 1.0, "found"),
        (WHOLE, "14.7", 1.0, "found"),
        (WHOLE, "1,400", 0.0, "found"),
        (WHOLE, "15", 0.0, "found"),
        (WHOLE, "-14", 0.0, "found"),
        (WHOLE, "The answer is 13 or 14.", 0.0, "ambiguous"),
        (WHOLE, "There are 14 apples and 3 pears.", 0.0, "ambiguous"),
        (WHOLE, "The answer is not 14.", 0.0, "none"),
        (WHOLE, "I cannot tell which one it is.", 0.0, "none"),
        (WHOLE, "", 0.0, "none"),
        (PRICE, "1.45", 1.0, "found"),
        (PRICE, "Luca needs $1.45 to buy both candies.", 1.0, "found"),
        (PRICE, "1.449", 1.0, "found"),
        (PRICE, "1.4", 0.0, "found"),
        (PRICE, "about a dollar", 0.0, "none"),
        (YEARS, "[2007, 2008]", 1.0, "found"),
        (YEARS, "The final list is [2007,2008].", 1.0, "found"),
        (YEARS, "Not [2006, 2007] but [2007.0, 2008.0]", 1.0, "found"),
        (YEARS, "[2008, 2007]", 0.0, "found"),
        (YEARS, "It was between 2007 and 2008.", 0.0, "none"),
        (YEARS, "[x, y]", 0.0, "none"),
    ],
)
def test_an_answer_is_read_by_rules_and_never_guessed(
    utils: ModuleType, doc: Any, answer: str, score: float, status: str
) -> None:
    values = utils.process_results(doc, [answer])

    assert (values["accuracy"], values["parsed"].status) == (score, status)


@pytest.mark.parametrize(
    ("expected", "places", "answer", "score"),
    [
        ("0.6", 1.0, "0.60", 1.0),
        ("5.0", 1.0, "5", 1.0),
        ("1.50", 2.0, "1.5", 1.0),
        ("1.2", 1.0, "1.26", 0.0),
    ],
)
def test_decimals_are_compared_as_numbers_of_that_many_places(
    utils: ModuleType, expected: str, places: float, answer: str, score: float
) -> None:
    doc = PRICE | {"answer": expected, "precision": places}

    assert utils.process_results(doc, [answer])["accuracy"] == score


def test_a_free_form_of_another_kind_is_named(utils: ModuleType) -> None:
    with pytest.raises(ValueError, match="unknown answer_type 'text' in free form"):
        utils.process_results(WHOLE | {"answer_type": "text"}, ["14"])


@pytest.mark.parametrize("precision", [None, 3.0])
def test_a_number_of_other_places_has_no_prompt(
    utils: ModuleType, precision: float | None
) -> None:
    doc = PRICE | {"precision": precision, "question": "?", "unit": None}

    for kind in ("format-prompt", "solution"):
        with pytest.raises(ValueError, match="no prompt for answer_type 'float'"):
            utils.text(doc, {"shot_type": kind})


@pytest.mark.parametrize(
    ("name", "item", "prompt"),
    [
        (
            "format",
            "1",
            (
                "What fraction is shaded?\nA. 1/4\nB. 3/4\nC. 1/2\n"
                "Answer with the option's letter from the given choices directly."
            ),
        ),
        (
            "format",
            "4",
            (
                "What is to be paid? (Unit: $)\n"
                "Answer the question using a single floating-point number with two decimal "
                "places."
            ),
        ),
        (
            "format",
            "6",
            "Between which years is the line?\nAnswer the question using a Python list.",
        ),
        (
            "cot",
            "2",
            (
                "Question: Is A less than B?\nChoices:\n(A) Yes\n(B) No\n"
                "Hint: Please answer the question and provide the correct option letter, "
                "e.g., A, B, C, D, at the end."
            ),
        ),
        (
            "cot",
            "5",
            (
                "Question: What is the diameter? (Unit: cm)\n"
                "Hint: Please answer the question requiring a floating-point number with one "
                "decimal place and provide the final value, e.g., 1.2, 1.3, 1.4, at the end."
            ),
        ),
        (
            "solution",
            "3",
            (
                "Question: Which number comes next?\n"
                "Hint: Please answer the question requiring an integer answer and provide "
                "the final value, e.g., 1, 2, 3, at the end.\nSolution:"
            ),
        ),
    ],
)
def test_prompts_are_those_of_the_benchmark(name: str, item: str, prompt: str) -> None:
    assert prompt_of(f"mathvista/mathvista_testmini_{name}.yaml", item) == prompt


def test_an_analysed_answer_is_read_by_the_same_rules() -> None:
    task = "mathvista/mathvista_testmini_cot_reasoning.yaml"
    answer = "<analysis>7 more than 21.</analysis><answer>28</answer>"

    assert judge(task, "3", answer).metrics == {"acc_score": 1.0, "format_score": 1.0}
