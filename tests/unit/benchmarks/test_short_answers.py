from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.scoring import span_match
from tests.unit.benchmarks.scored_answers import judge, prompt_of

if TYPE_CHECKING:
    from tests.unit.benchmarks.conftest import LoadModule


# Accepted are "Geneva, Switzerland" and "Geneva".
@pytest.mark.parametrize(
    ("answer", "match", "f1"),
    [
        ("Geneva", 1.0, 1.0),
        (" geneva. ", 1.0, 1.0),
        ("Geneva, Switzerland", 1.0, 1.0),
        ("the Geneva", 1.0, 1.0),
        ("in Geneva", 0.0, 2 / 3),
        ("Switzerland", 0.0, 2 / 3),
        ("It is in Geneva", 0.0, 2 / 5),
        ("Genevan", 0.0, 0.0),
        ("Bern", 0.0, 0.0),
        ("I do not know", 0.0, 0.0),
        ("A", 0.0, 0.0),
        ("", 0.0, 0.0),
    ],
)
def test_an_open_question_is_right_in_the_words_of_an_accepted_answer(
    answer: str, match: float, f1: float
) -> None:
    metrics = judge("nq_open/nq_open.yaml", "5", answer).metrics

    assert metrics == {"span_match": match, "span_f1": pytest.approx(f1)}


def test_examples_show_their_first_answer() -> None:
    prompt = prompt_of("nq_open/nq_open.yaml", "0")

    assert prompt.startswith("Answer these questions:\n\nQ: what is the hardest part")
    assert "on the court?\nA: 6\nQ: who wrote" in prompt
    assert prompt.endswith("of ravens in old books?\nA:")


def published(benchmarks: Path, name: str) -> list[dict[str, Any]]:
    file = benchmarks.parents[1] / "shared" / "data" / name
    if not file.is_file():
        pytest.skip(f"{name} is not beside the checkout")
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_every_published_answer_of_nq_open_is_right(benchmarks: Path) -> None:
    rows = published(benchmarks, "nq_open/NQ-open.dev.jsonl")

    right = [
        span_match(references=row["answer"], predictions=[answer])
        for row in rows
        for answer in row["answer"]
    ]

    assert len(rows) == 3610
    assert min(right) == 1.0


# Accepted are "the Winter Bell" and "Winter Bell"; the second question has no answer.
@pytest.mark.parametrize(
    ("item", "answer", "exact", "f1"),
    [
        ("sample0004", "the Winter Bell", 1.0, 1.0),
        ("sample0004", "winter bell.", 1.0, 1.0),
        ("sample0004", "Bell", 0.0, 2 / 3),
        ("sample0004", "It is called the Winter Bell", 0.0, 4 / 7),
        ("sample0004", "apples", 0.0, 0.0),
        ("sample0004", "unanswerable", 0.0, 0.0),
        ("sample0004", "", 0.0, 0.0),
        ("sample0005", "unanswerable", 1.0, 1.0),
        ("sample0005", "Unanswerable.", 1.0, 1.0),
        ("sample0005", "It is unanswerable", 0.0, 0.0),
        ("sample0005", "four days", 0.0, 0.0),
        ("sample0005", "no answer", 0.0, 0.0),
        ("sample0005", "", 0.0, 0.0),
        ("sample0005", "...", 0.0, 0.0),
    ],
)
def test_an_answer_is_a_span_or_that_there_is_none(
    item: str, answer: str, exact: float, f1: float
) -> None:
    metrics = judge("squadv2/squadv2.yaml", item, answer).metrics

    kind = "HasAns" if item == "sample0004" else "NoAns"
    assert metrics == {
        "exact": exact,
        "f1": pytest.approx(f1),
        f"{kind}_exact": exact,
        f"{kind}_f1": pytest.approx(f1),
    }


def test_every_answer_of_the_first_squad_is_right(
    benchmarks: Path, load_module: LoadModule
) -> None:
    utils: ModuleType = load_module("squadv2/utils.py")
    rows = published(benchmarks, "squad/validation_50.jsonl")

    for row in rows:
        for answer in row["answers"]["text"]:
            assert utils.process_results(row, [answer])["exact"] == 1.0
    assert len(rows) == 50


def test_an_answer_without_a_word_is_none(load_module: LoadModule) -> None:
    utils: ModuleType = load_module("squadv2/utils.py")

    assert utils.answers({"answers": {"text": ["the", "."]}}) == [""]
