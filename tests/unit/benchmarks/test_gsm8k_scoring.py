"""Answers to the first problem of the sample, whose result is 52."""

from __future__ import annotations

import pytest

from pytest_evalkit.evaluate.trial import attempt
from pytest_evalkit.models.chance import Constant
from tests.unit.benchmarks.scored_answers import open_sample


def scores(task: str, answer: str) -> tuple[float, float]:
    """Score an answer under the strict and the flexible filter."""
    opened = open_sample(f"gsm8k/{task}.yaml")
    trial = attempt(opened, [0], Constant(text=answer), ())
    strict, flexible = trial.scored[0]
    assert (strict.filter, flexible.filter) == ("strict-match", "flexible-extract")
    return strict.metrics["exact_match"], flexible.metrics["exact_match"]


@pytest.mark.parametrize(
    ("answer", "strict", "flexible"),
    [
        ("He fills 13 boxes.\n#### 52", 1.0, 1.0),
        ("#### 52.", 1.0, 1.0),
        ("13 * 4 = 52\n#### 52\n#### 7", 1.0, 0.0),
        ("He takes in $52.", 0.0, 1.0),
        ("52", 0.0, 1.0),
        ("It is 52, I think, not 53.", 0.0, 0.0),
        # Signs of money are ignored in the answer, but the strict pattern reads none.
        ("#### $52", 0.0, 1.0),
        ("#### 5,2", 1.0, 1.0),
        ("#### 53", 0.0, 0.0),
        ("#### -52", 0.0, 0.0),
        ("####52", 0.0, 1.0),
        ("#### 52.0", 0.0, 0.0),
        ("#### fifty-two", 0.0, 0.0),
        ("I cannot tell.", 0.0, 0.0),
        ("", 0.0, 0.0),
    ],
)
def test_a_worked_answer_is_right_by_its_last_line_or_its_last_number(
    answer: str, strict: float, flexible: float
) -> None:
    assert scores("gsm8k", answer) == (strict, flexible)


@pytest.mark.parametrize(
    ("answer", "strict", "flexible"),
    [
        ("13 boxes of $4 each. The answer is 52.", 1.0, 1.0),
        ("The answer is 52", 0.0, 1.0),
        ("The answer is 52 dollars.", 1.0, 1.0),
        ("the answer is 52.", 0.0, 1.0),
        ("The answer is $52.", 0.0, 1.0),
        ("The answer is 53. No: 52", 0.0, 1.0),
        ("The answer is 52. He sold 13 boxes.", 1.0, 0.0),
        ("The answer is 156.", 0.0, 0.0),
        ("The answer is -52.", 0.0, 0.0),
        ("The answer is unknown.", 0.0, 0.0),
        ("", 0.0, 0.0),
    ],
)
def test_a_chain_of_thought_is_right_by_its_sentence_or_its_last_number(
    answer: str, strict: float, flexible: float
) -> None:
    assert scores("gsm8k_cot_zeroshot", answer) == (strict, flexible)
