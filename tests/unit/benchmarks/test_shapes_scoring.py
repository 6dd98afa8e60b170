from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.benchmarks.scored_answers import judge

LoadModule = Callable[[str], ModuleType]


@pytest.fixture
def utils(load_module: LoadModule) -> ModuleType:
    return load_module("shapes/utils.py")


@pytest.mark.parametrize(
    ("part", "name"), [("data", "word-0060"), ("sample", "sample-word-0002")]
)
def test_a_document_finds_its_picture(
    utils: ModuleType, benchmarks: Path, part: str, name: str
) -> None:
    (path,) = utils.image({"image": f"images/{name}.png"})

    assert Path(path) == benchmarks / "shapes" / part / "images" / f"{name}.png"
    assert Path(path).read_bytes().startswith(b"\x89PNG")


def test_a_missing_picture_is_named_with_the_remedy(utils: ModuleType) -> None:
    with pytest.raises(FileNotFoundError, match=r"'images/no\.png' .*draw\.py"):
        utils.image({"image": "images/no.png"})


@pytest.mark.parametrize(
    ("expected", "answer", "score"),
    [
        ("red", "red", 1.0),
        ("red", "Red.", 1.0),
        ("red", "reddish", 0.0),
        ("3", "3", 1.0),
        ("3", "13", 0.0),
        ("zebra", "ZEBRA", 1.0),
        ("yes", "[invalid]", 0.0),
        ("yes", "", 0.0),
    ],
)
def test_a_score_stands_under_exact_match_and_the_category(
    utils: ModuleType, expected: str, answer: str, score: float
) -> None:
    doc = {"category": "word", "answer": expected}

    values = utils.process_results(doc, [answer])

    assert values == {"exact_match": score, "word": score}


# The first document asks for a colour, yellow; the second for a count, 3.
@pytest.mark.parametrize(
    ("item", "answer", "score"),
    [
        ("sample-colour-0001", "yellow", 1.0),
        ("sample-colour-0001", " Yellow. ", 1.0),
        ("sample-colour-0001", "**yellow**", 1.0),
        ("sample-colour-0001", "yellow, like the sun", 1.0),
        ("sample-colour-0001", "yellowish", 0.0),
        ("sample-colour-0001", "red", 0.0),
        ("sample-colour-0001", "The cross is yellow", 0.0),
        ("sample-colour-0001", "!!!", 0.0),
        ("sample-colour-0001", "", 0.0),
        ("sample-count-0001", "3", 1.0),
        ("sample-count-0001", "3 circles", 1.0),
        ("sample-count-0001", "three", 0.0),
        ("sample-count-0001", "13", 0.0),
    ],
)
def test_the_first_word_or_number_is_the_answer(
    item: str, answer: str, score: float
) -> None:
    metrics = judge("shapes/shapes.yaml", item, answer).metrics

    assert metrics == {"exact_match": score, item.split("-")[1]: score}
