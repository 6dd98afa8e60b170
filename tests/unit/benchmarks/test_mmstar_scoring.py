from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from tests.unit.benchmarks.scored_answers import judge, prompt_of

LoadModule = Callable[[str], ModuleType]
TASK = "mmstar/mmstar.yaml"


@pytest.fixture
def utils(load_module: LoadModule) -> ModuleType:
    return load_module("mmstar/utils.py")


# Document 1 has the answer B, document 0 the answer A.
@pytest.mark.parametrize(
    ("item", "answer", "score", "status"),
    [
        ("1", "B", 1.0, "found"),
        ("1", "b", 1.0, "found"),
        ("1", "(B)", 1.0, "found"),
        ("1", "B: gloomy", 1.0, "found"),
        ("1", "The answer is B", 1.0, "found"),
        ("1", "The answer is B because A is wrong", 1.0, "found"),
        ("1", "I choose B over A", 1.0, "found"),
        ("1", "Based on the image, the answer is C", 0.0, "found"),
        ("1", "Option B.", 1.0, "found"),
        ("1", "A or B", 0.0, "ambiguous"),
        ("0", "A or B", 0.0, "ambiguous"),
        ("0", "A cat sits", 0.0, "none"),
        ("0", "A", 1.0, "found"),
        ("0", "B", 0.0, "found"),
        ("0", "E", 0.0, "none"),
        ("0", "", 0.0, "none"),
        ("0", "I cannot tell.", 0.0, "none"),
    ],
)
def test_the_letter_decides(item: str, answer: str, score: float, status: str) -> None:
    judged = judge(TASK, item, answer)

    value = {"l2_category": "image emotion", "score": score}
    assert judged.metrics == {"coarse perception": value, "average": value}
    assert judged.statuses == (status,)


def test_kinds_count_alike_whatever_their_size(utils: ModuleType) -> None:
    entries = [
        {"l2_category": kind, "score": score}
        for kind, score in (("a", 1.0), ("a", 0.0), ("a", 0.0), ("a", 0.0), ("b", 1.0))
    ]

    assert utils.mean_of_kinds(entries) == (0.25 + 1.0) / 2
    assert utils.mean_of_kinds([]) is None


def test_the_prompt_ends_without_a_full_stop() -> None:
    prompt = prompt_of(TASK, "3")

    assert prompt == (
        "How many discs are there?\nOptions: A: 4, B: 3, C: 2, D: 1\n"
        "Answer with the option's letter from the given choices directly"
    )


@pytest.mark.parametrize(
    ("answer", "accuracy", "form"),
    [
        ("<analysis>It is not A.</analysis><answer>B</answer>", 1.0, 1.0),
        ("<answer>A</answer> no: <answer>B</answer>", 1.0, 0.0),
        ("<analysis>B</analysis><answer>C</answer>", 0.0, 1.0),
        ("So it is \\boxed{B}", 1.0, 0.0),
    ],
)
def test_the_last_answer_of_a_reasoning_counts(
    answer: str, accuracy: float, form: float
) -> None:
    metrics = judge("mmstar/mmstar_reasoning.yaml", "1", answer).metrics

    assert metrics["acc_score"]["score"] == accuracy
    assert metrics["format_score"] == form
