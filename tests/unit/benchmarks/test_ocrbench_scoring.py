from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.unit.benchmarks.scored_answers import judge, open_sample

LoadModule = Callable[[str], ModuleType]


@pytest.fixture
def utils(load_module: LoadModule) -> ModuleType:
    return load_module("ocrbench/utils.py")


def doc(answer: Any, dataset: str = "SVT", kind: str = "Doc-oriented VQA") -> Any:
    return {"dataset": dataset, "question_type": kind, "answer": answer}


@pytest.mark.parametrize(
    ("expected", "answer", "score"),
    [
        ("KIOSK", "kiosk", 1.0),
        (["KIOSK"], "The sign reads KIOSK.", 1.0),
        (["KIOSK"], "KI OSK", 0.0),
        (["KIOSK"], "KIOS", 0.0),
        (["3 June", "June 3"], "On June 3.", 1.0),
        (["3 June", "June 3"], "3\nJune", 1.0),
        (["3 June", "June 3"], "3  June", 0.0),
        # Containment is the rule of the benchmark, also within a word.
        (["12"], "112", 1.0),
        (["9.50"], "9,50", 0.0),
        (["9.50"], "\uff19.\uff15\uff10", 1.0),
        (["total\uff1a9"], "Total:9", 1.0),
        (["a b"], "A\u3000B", 1.0),
        (["KIOSK"], "", 0.0),
        (["KIOSK"], "I cannot read it", 0.0),
        ([" KIOSK\n"], "KIOSK", 1.0),
    ],
)
def test_an_answer_has_to_contain_an_expected_text(
    utils: ModuleType, expected: Any, answer: str, score: float
) -> None:
    assert utils.process_results(doc(expected), [answer]) == {
        "ocrbench_accuracy": score,
        "document_vqa": score,
    }


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("a ^ { 2 } + B = 4", 1.0),
        ("a^{2}+B=4", 1.0),
        ("$a^{2} + B =\n4$", 1.0),
        ("a^{2}+b=4", 0.0),
        ("A^{2}+B=4", 0.0),
        ("a^2+B=4", 0.0),
        ("", 0.0),
    ],
)
def test_a_formula_keeps_its_case_and_loses_its_spaces(
    utils: ModuleType, answer: str, score: float
) -> None:
    kind = "Handwritten Mathematical Expression Recognition"
    formula = doc(["a ^ { 2 } + B = 4"], "HME100k", kind)

    assert utils.process_results(formula, [answer]) == {
        "ocrbench_accuracy": score,
        "formulas": score,
    }


def test_an_empty_expected_text_is_an_error(utils: ModuleType) -> None:
    with pytest.raises(ValueError, match="an expected answer is empty"):
        utils.process_results(doc(["3", " "]), ["anything"])


def test_an_unknown_kind_of_question_is_named(utils: ModuleType) -> None:
    with pytest.raises(ValueError, match="unknown question_type 'VQA'"):
        utils.process_results(doc(["3"], kind="VQA"), ["3"])


def test_six_kinds_of_question_are_recognition_and_the_sample_has_all_ten(
    utils: ModuleType,
) -> None:
    documents = open_sample("ocrbench/ocrbench.yaml").documents

    kinds = list(documents.column("question_type"))

    assert sorted(kinds) == sorted(utils.PARTS)
    assert list(utils.PARTS.values()).count("text_recognition") == 6
    assert len(set(utils.PARTS.values())) == 5


def test_scoring_a_question_twice_adds_nothing_to_it() -> None:
    answers = [judge("ocrbench/ocrbench.yaml", "0", "kiosk").metrics for _ in range(2)]

    assert answers == [{"ocrbench_accuracy": 1.0, "text_recognition": 1.0}] * 2
