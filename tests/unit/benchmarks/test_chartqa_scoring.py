from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from tests.unit.benchmarks.scored_answers import judge, prompt_of

LoadModule = Callable[[str], ModuleType]


@pytest.fixture
def utils(load_module: LoadModule) -> ModuleType:
    return load_module("chartqa/utils.py")


@pytest.mark.parametrize(
    ("expected", "answer", "score"),
    [
        ("50", "50", 1.0),
        ("50", "52.5", 1.0),
        ("50", "47.5", 1.0),
        ("50", "52.6", 0.0),
        ("50", "47.4", 0.0),
        ("50", "50%", 1.0),
        ("0.5", "50%", 1.0),
        ("50%", "50", 1.0),
        ("50%", "0.5", 1.0),
        ("50%", "0.6", 0.0),
        ("1000", "1,000", 1.0),
        ("20", "$20", 1.0),
        ("12", "12 units", 1.0),
        ("12 m", "12 cm", 0.0),
        ("0", "0", 1.0),
        ("0", "0.001", 0.0),
        ("-5", "-5.1", 1.0),
        ("-5", "5", 0.0),
        ("Tea", "tea", 1.0),
        ("Tea", "Tea.", 1.0),
        ("Tea", "Teas", 0.0),
        ("Tea", "It is tea", 0.0),
        ("50", "The answer is 50", 0.0),
        ("[2019, 2021]", "[2019, 2021]", 1.0),
        ("[2019, 2021]", "2019", 0.0),
        ("2019", "2015", 1.0),
        ("50", "", 0.0),
        ("50", "fifty", 0.0),
    ],
)
def test_an_answer_may_be_a_little_off(
    utils: ModuleType, expected: str, answer: str, score: float
) -> None:
    doc = {"type": "human_test", "answer": expected}

    assert utils.process_results(doc, [answer]) == {
        "relaxed_overall": score,
        "relaxed_human_split": score,
    }


def test_a_question_counts_in_its_own_split_only(utils: ModuleType) -> None:
    doc = {"type": "augmented_test", "answer": "Yes"}

    assert utils.process_results(doc, ["yes"]) == {
        "relaxed_overall": 1.0,
        "relaxed_augmented_split": 1.0,
    }


def test_an_unknown_split_is_named(utils: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"unknown type 'human'.*human_test"):
        utils.process_results({"type": "human", "answer": "1"}, ["1"])


def test_an_analysed_answer_has_the_tolerance_too() -> None:
    answer = "<analysis>About half.</analysis><answer>51</answer>"

    judged = judge("chartqa/chartqa_reasoning.yaml", "0", answer)

    assert judged.metrics == {
        "acc_score": 1.0,
        "relaxed_human_split": 1.0,
        "format_score": 1.0,
    }


def test_a_chart_is_asked_about_in_a_single_word() -> None:
    assert prompt_of("chartqa/chartqa.yaml", "1") == (
        "Which drink has the shortest bar?\nAnswer the question with a single word."
    )
