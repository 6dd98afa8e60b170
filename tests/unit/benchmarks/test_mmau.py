from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.unit.benchmarks.scored_answers import judge, prompt_of

LoadModule = Callable[[str], ModuleType]

TASK = "mmau/mmau_test_mini.yaml"


@pytest.fixture
def utils(load_module: LoadModule) -> ModuleType:
    return load_module("mmau/utils.py")


# "How many times does it beep?" Once, twice (right), three times, never.
@pytest.mark.parametrize(
    ("answer", "score", "status"),
    [
        ("B", 1.0, "found"),
        ("b.", 1.0, "found"),
        ("(B) Twice", 1.0, "found"),
        ("Twice", 1.0, "found"),
        ("It beeps twice.", 1.0, "found"),
        ("The answer is B because A is wrong", 1.0, "found"),
        ("I choose B over A", 1.0, "found"),
        ("D", 0.0, "found"),
        ("Never", 0.0, "found"),
        ("A beep is heard", 0.0, "none"),
        ("E", 0.0, "none"),
        ("A or B", 0.0, "ambiguous"),
        ("I cannot hear it", 0.0, "none"),
        ("", 0.0, "none"),
    ],
)
def test_an_answer_names_an_option_of_a_sound(
    answer: str, score: float, status: str
) -> None:
    judged = judge(TASK, "0", answer)

    assert judged.metrics == {"accuracy": score, "sound": score}
    assert judged.statuses == (status,)


def test_a_letter_beyond_the_two_options_is_none() -> None:
    assert judge(TASK, "1", "C").statuses == ("none",)


def test_a_sound_is_asked_about_with_the_options_it_has() -> None:
    assert prompt_of(TASK, "1") == (
        "Does the sound ever stop before the end?\nA. Yes\nB. No\n"
        "Answer with the option's letter from the given choices directly."
    )


def doc(**columns: Any) -> dict[str, Any]:
    row = {"task": "music", "choices": '["One", "Two"]', "answer": " two "}
    return row | columns


def test_the_expected_answer_is_an_option_whatever_case(utils: ModuleType) -> None:
    assert utils.target(doc()) == "B"
    assert utils.process_results(doc(), ["B"]) == {"accuracy": 1.0, "music": 1.0}
    assert utils.process_results(doc(), [None]) == {"accuracy": 0.0, "music": 0.0}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"answer": "three"}, "'three' is 0 of the options"),
        ({"choices": '["Two", "two"]'}, "is 2 of the options"),
        ({"choices": '{"A": "Two"}'}, "choices are no list of texts"),
        ({"choices": "[1, 2]"}, "choices are no list of texts"),
        ({"task": "noise"}, "unknown task 'noise'; valid: sound"),
    ],
)
def test_a_damaged_question_is_an_error(
    utils: ModuleType, columns: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        utils.process_results(doc(**columns), ["B"])
