from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

LoadModule = Callable[[str], ModuleType]
Half = dict[str, Any]


@pytest.fixture
def utils(load_module: LoadModule) -> ModuleType:
    return load_module("mme/utils.py")


@pytest.mark.parametrize(
    ("answer", "parsed"),
    [
        ("yes", "yes"),
        ("Yes.", "yes"),
        ("  YES\n", "yes"),
        ("Yes, it is", "yes"),
        ("y", "yes"),
        ("Y.", "yes"),
        ("no", "no"),
        ("No.", "no"),
        ("No, there is not", "no"),
        ("N", "no"),
        ("not sure", "no"),
        ("know", "no"),
        ("I know", "other"),
        (" yes", "yes"),
        ("a yes", "other"),
        ("...yes", "yes"),
        ("- No", "no"),
        ("The answer is yes", "other"),
        ("The answer is no", "other"),
        ("maybe", "other"),
        ("x", "other"),
        ("", "other"),
        (".", "other"),
    ],
)
def test_an_answer_is_read_by_the_rule_of_the_benchmark(
    utils: ModuleType, answer: str, parsed: str
) -> None:
    assert utils.parse_answer(answer) == parsed


def half(score: float, *, image: str = "1", category: str = "count") -> Half:
    return {"question_id": image, "category": category, "score": score}


def pair(first: float, second: float, **place: str) -> list[Half]:
    return [half(first, **place), half(second, **place)]


@pytest.mark.parametrize(
    ("first", "second", "score"),
    [(1.0, 1.0, 200.0), (1.0, 0.0, 50.0), (0.0, 1.0, 50.0), (0.0, 0.0, 0.0)],
)
def test_a_pair_is_worth_its_accuracy_and_a_hundred_for_both(
    utils: ModuleType, first: float, second: float, score: float
) -> None:
    assert utils.total_score(pair(first, second)) == score


def test_categories_are_means_of_pairs_and_are_added_up(utils: ModuleType) -> None:
    halves = [
        *pair(1, 1, image="1"),
        *pair(1, 0, image="2"),
        *pair(0, 0, image="3", category="scene"),
        *pair(1, 0, image="4", category="scene"),
    ]

    assert utils.total_score(halves) == (200 + 50) / 2 + (0 + 50) / 2


def test_the_halves_of_a_pair_need_not_stand_together(utils: ModuleType) -> None:
    halves = [*pair(1, 1, image="1"), *pair(1, 0, image="2")]

    assert utils.total_score(halves[::2] + halves[1::2]) == 125.0


def test_one_id_in_two_categories_is_two_pairs(utils: ModuleType) -> None:
    halves = [*pair(1, 1, category="count"), *pair(1, 1, category="scene")]

    assert utils.total_score(halves) == 400.0


def test_an_incomplete_pair_is_left_out(utils: ModuleType) -> None:
    halves = [*pair(1, 0, image="1"), half(1, image="2"), half(1, category="scene")]

    assert utils.total_score(halves) == 50.0


def test_without_any_whole_pair_there_is_no_score(utils: ModuleType) -> None:
    assert utils.total_score([half(1, image="1"), half(1, image="2")]) is None


def test_a_third_answer_for_an_image_is_an_error(utils: ModuleType) -> None:
    with pytest.raises(ValueError, match="3 answers for '1' in 'count'"):
        utils.total_score([*pair(1, 1), half(1)])


def doc(**columns: str) -> dict[str, str]:
    row = {"question_id": "a/1.png", "category": "OCR", "answer": "Yes"}
    return row | columns


@pytest.mark.parametrize("answer", ["Yes", "No"])
def test_the_answer_decides_the_score(utils: ModuleType, answer: str) -> None:
    scores = {
        given: utils.process_results(doc(answer=answer), [given])
        for given in ("yes", "no", "perhaps")
    }

    right = {
        name: found["mme_perception_score"]["score"] for name, found in scores.items()
    }
    assert right == {"yes": answer == "Yes", "no": answer == "No", "perhaps": False}


def test_a_score_carries_what_pairs_it(utils: ModuleType) -> None:
    values = utils.process_results(doc(category="code_reasoning"), ["Yes"])

    assert values == {
        "mme_cognition_score": {
            "question_id": "a/1.png",
            "category": "code_reasoning",
            "score": 1.0,
        }
    }


def test_ten_categories_are_perception_and_four_cognition(utils: ModuleType) -> None:
    metrics = list(utils.METRICS.values())

    assert metrics.count("mme_perception_score") == 10
    assert metrics.count("mme_cognition_score") == 4


def test_an_unknown_category_is_named(utils: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"unknown MME category 'ocr'.*OCR"):
        utils.process_results(doc(category="ocr"), ["yes"])
    with pytest.raises(ValueError, match="unknown MME category 'ocr'"):
        utils.total_score([half(1, category="ocr")])


def test_an_expected_answer_that_is_neither_is_an_error(utils: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"'Maybe' of 'a/1\.png' is neither"):
        utils.process_results(doc(answer="Maybe"), ["yes"])


@pytest.mark.parametrize(
    ("before", "after", "prompt"),
    [
        ("", "\nOne word.", "Is it red?\nOne word."),
        ("Look. ", "", "Look. Is it red?"),
        ("", "", "Is it red? Please answer yes or no."),
    ],
)
def test_a_prompt_variant_takes_the_place_of_the_instruction(
    utils: ModuleType, before: str, after: str, prompt: str
) -> None:
    row = {"question": "Is it red? Please answer yes or no. "}

    assert utils.text(row, {"pre_prompt": before, "post_prompt": after}) == prompt
