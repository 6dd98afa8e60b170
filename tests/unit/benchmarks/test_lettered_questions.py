from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.scoring import read_choice
from tests.unit.benchmarks.scored_answers import judge


# The first document of the sample has "pollen" as its first option, which is right.
@pytest.mark.parametrize(
    ("answer", "score", "status"),
    [
        ("A", 1.0, "found"),
        ("(A)", 1.0, "found"),
        ("A. pollen", 1.0, "found"),
        ("pollen", 1.0, "found"),
        ("The answer is A because B is wrong.", 1.0, "found"),
        ("Bees gather food.\n\nAnswer: **A**", 1.0, "found"),
        ("H", 0.0, "found"),
        ("The answer is not A, it is D.", 0.0, "found"),
        ("I", 0.0, "none"),
        ("A bee carries things", 0.0, "none"),
        ("A or B", 0.0, "ambiguous"),
        ("", 0.0, "none"),
    ],
)
def test_qasc_is_right_where_the_answer_names_the_option(
    answer: str, score: float, status: str
) -> None:
    judged = judge("qasc/qasc.yaml", "SAMPLE0", answer)

    assert judged.metrics == {"exact_match": score}
    assert judged.statuses == (status,)


# The second document has the options 8, 12, 15, 20 and 10, of which B, 12, is right.
@pytest.mark.parametrize(
    ("answer", "score", "status"),
    [
        ("0.15 * 80 = 12.\nThe answer is B.", 1.0, "found"),
        ("The answer is (B) 12", 1.0, "found"),
        (r"Ten per cent are 8, five are 4. \boxed{B}", 1.0, "found"),
        ("**The answer is B**", 1.0, "found"),
        ("B", 1.0, "found"),
        ("12", 1.0, "found"),
        ("The answer is A. Wait, 12 is B.\nThe answer is B.", 1.0, "found"),
        ("The answer is A.", 0.0, "found"),
        ("The answer is F.", 0.0, "none"),
        ("A share of eighty is sought", 0.0, "none"),
        ("B or C", 0.0, "ambiguous"),
        ("", 0.0, "none"),
    ],
)
def test_aqua_rat_is_right_where_the_answer_ends_in_the_option(
    answer: str, score: float, status: str
) -> None:
    judged = judge("aqua_rat/aqua_rat.yaml", "1", answer)

    assert judged.metrics == {"exact_match": score}
    assert judged.statuses == (status,)


def published(benchmarks: Path, name: str) -> list[dict[str, Any]]:
    file = benchmarks.parents[1] / "shared" / "data" / name
    if not file.is_file():
        pytest.skip(f"{name} is not beside the checkout")
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_every_published_answer_of_qasc_is_found(benchmarks: Path) -> None:
    rows = published(benchmarks, "qasc/dev.jsonl")

    found = [
        read_choice(
            f"The answer is {row['answerKey']}.",
            [choice["text"] for choice in row["question"]["choices"]],
        ).value
        for row in rows
    ]

    assert found == [row["answerKey"] for row in rows]
    assert len(rows) == 926


def test_every_published_answer_of_aqua_rat_is_found(benchmarks: Path) -> None:
    rows = published(benchmarks, "aqua_rat/aqua-rat.jsonl")

    found = [
        read_choice(f"So it is.\nThe answer is {row['label']}.", row["options"]).value
        for row in rows
    ]

    assert found == [row["label"] for row in rows]
    assert len(rows) == 254
