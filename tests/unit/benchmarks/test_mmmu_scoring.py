from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import pytest

from pytest_evalkit.messages import ImagePart, TextPart
from pytest_evalkit.scoring import AnswerKey, score_document
from pytest_evalkit.values import Generate
from tests.unit.benchmarks.scored_answers import judge, open_sample

LoadModule = Callable[[str], ModuleType]
TASK = "mmmu/mmmu_val.yaml"
MATH = "validation_Math_1"
BIOLOGY = "validation_Biology_3"
NUMBER = "validation_Physics_4"
LIST = "validation_Economics_5"
WORD = "validation_Chemistry_6"


@pytest.fixture
def utils(load_module: LoadModule) -> ModuleType:
    return load_module("mmmu/utils.py")


@pytest.mark.parametrize(
    ("item", "answer", "score", "status"),
    [
        (MATH, "C", 1.0, "found"),
        (MATH, "C.", 1.0, "found"),
        (MATH, "(C)", 1.0, "found"),
        (MATH, "The answer is (C) and not (B", 1.0, "found"),
        (MATH, "Not (A), so (C)", 1.0, "found"),
        (MATH, "(A) is too small, (C) is right, (D) too large", 0.0, "found"),
        (MATH, "I think C because 4 times 4 is 16", 1.0, "found"),
        (MATH, "C.16", 1.0, "found"),
        (MATH, "16", 0.0, "none"),
        (MATH, "It has to be an area of 16", 1.0, "found"),
        (MATH, "c", 0.0, "none"),
        (MATH, "E", 0.0, "none"),
        (MATH, "", 0.0, "none"),
        (MATH, "I cannot tell from this", 0.0, "none"),
        (BIOLOGY, "In this chain it is the hare that eats it", 1.0, "found"),
        (BIOLOGY, "the hare", 0.0, "none"),
        (BIOLOGY, "Of the hare, and the sun, it is the hare", 1.0, "found"),
        (BIOLOGY, "A", 0.0, "found"),
        (NUMBER, "1250", 1.0, "found"),
        (NUMBER, "1,250", 1.0, "found"),
        (NUMBER, "1250.001", 1.0, "found"),
        (NUMBER, "1250.01", 0.0, "found"),
        (NUMBER, "R = 6 V / 4.8 mA = 1250 ohms", 1.0, "found"),
        (NUMBER, "The resistance is 1.25e3", 1.0, "found"),
        (NUMBER, "12", 0.0, "found"),
        (NUMBER, "", 0.0, "none"),
        (LIST, "6%", 1.0, "found"),
        (LIST, "The rise is 0.06", 1.0, "found"),
        (LIST, "0.6", 0.0, "found"),
        (LIST, "['0.06', '6%']", 1.0, "found"),
        (LIST, "[", 0.0, "found"),
        (WORD, "Copper", 1.0, "found"),
        (WORD, "It is copper.", 1.0, "found"),
        (WORD, "The metal is a copper alloy", 1.0, "found"),
        (WORD, "Cu", 0.0, "found"),
        (WORD, "p", 0.0, "found"),
    ],
)
def test_answers_are_judged_as_by_the_authors_script(
    item: str, answer: str, score: float, status: str
) -> None:
    judged = judge(TASK, item, answer)

    assert judged.metrics == {"mmmu_acc": score}
    assert judged.statuses == (status,)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("The answer is 3.14159.", {3.14}),
        # The pattern of the script finds what stands behind the comma too.
        ("So x = 2\nTherefore it could be 1,250", {"x = 2", 2.0, 1250.0, 250.0}),
        ("x = 2", {2.0}),
        ("blue", {"blue"}),
        ("b", {" b", "b "}),
        ("-5", {-5.0}),
    ],
)
def test_open_answers_are_cut_to_what_they_come_to(
    utils: ModuleType, answer: str, found: set[str | float]
) -> None:
    assert set(utils.read_open(answer)) == found


def test_a_single_letter_is_not_found_within_words(utils: ModuleType) -> None:
    assert utils.equals_any(utils.read_open("the force is f"), ["F"])
    assert not utils.equals_any(utils.read_open("the force is unknown of"), ["u"])


def test_images_stand_where_the_text_has_them() -> None:
    opened = open_sample(TASK)
    parts = {}
    for item in ("validation_Art_2", BIOLOGY):
        prepared = opened.prepare(list(opened.item_ids).index(item))
        (request,) = prepared.requests
        assert isinstance(request, Generate)
        parts[item] = request.messages[0].parts

    art = [
        part.text if isinstance(part, TextPart) else "image"
        for part in parts["validation_Art_2"]
    ]
    assert art == [
        "Which of these shows a circle?\nA. ",
        "image",
        "\nB. ",
        "image",
        "\nC. ",
        "image",
        "\n\nAnswer with the option's letter from the given choices directly.",
    ]
    assert isinstance(parts[BIOLOGY][1], ImagePart)


def figures(item: str, answers: list[str]) -> Mapping[str, Any]:
    """Score 64 answers to a document, under each filter."""
    opened = open_sample("mmmu/mmmu_val_pass64.yaml")
    doc_id = list(opened.item_ids).index(item)
    prepared = opened.prepare(doc_id)
    key = AnswerKey(target=prepared.target)
    scored = score_document(opened.task.scoring, prepared.doc, key, [answers])
    return {one.filter: one.metrics["mmmu_acc"] for one in scored}


@pytest.mark.parametrize(
    ("item", "answers", "expected"),
    [
        (MATH, ["C"] * 64, (1.0, 1.0, 1.0, 1.0)),
        (MATH, ["B"] * 64, (0.0, 0.0, 0.0, 0.0)),
        (MATH, ["B"] * 63 + ["C"], (0.0, 0.0, 1.0, 0.0)),
        (MATH, ["B"] * 7 + ["C"] * 57, (1.0, 0.0, 1.0, 1.0)),
        # Three ways to say C outvote two equal texts.
        (MATH, ["B", "B", "C", "(C)", "C."] + ["?"] * 59, (1.0, 1.0, 1.0, 1.0)),
        (MATH, ["?"] * 64, (0.0, 0.0, 0.0, 0.0)),
        (MATH, [""] * 64, (0.0, 0.0, 0.0, 0.0)),
        (NUMBER, ["1250"] * 5 + ["3"] * 59, (0.0, 1.0, 1.0, 1.0)),
        (WORD, ["Tin"] * 8 + ["Copper."] * 30 + ["copper"] * 26, (1.0, 0.0, 1.0, 0.0)),
        (WORD, [""] * 63 + ["copper"], (1.0, 0.0, 1.0, 0.0)),
    ],
)
def test_votes_and_attempts_are_counted(
    item: str, answers: list[str], expected: tuple[float, ...]
) -> None:
    names = ("maj@64", "maj@8", "pass@64", "pass@8")

    assert figures(item, answers) == dict(zip(names, expected, strict=True))
