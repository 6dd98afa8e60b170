from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

LoadModule = Callable[[str], ModuleType]
Row = dict[str, Any]


@pytest.fixture
def utils(load_module: LoadModule) -> ModuleType:
    return load_module("mme/utils.py")


@pytest.fixture
def rows(benchmarks: Path) -> list[Row]:
    from pyarrow import parquet

    table = parquet.read_table(benchmarks / "mme" / "sample" / "test.parquet")
    found: list[Row] = table.to_pylist()
    return found


def totals(utils: ModuleType, rows: list[Row], answers: list[str]) -> dict[str, Any]:
    halves: dict[str, list[Any]] = {}
    for row, answer in zip(rows, answers, strict=True):
        for metric, half in utils.process_results(row, [answer]).items():
            halves.setdefault(metric, []).append(half)
    return {metric: utils.total_score(found) for metric, found in halves.items()}


@pytest.mark.parametrize(
    ("answer", "perception", "cognition"),
    [
        (None, 2000.0, 800.0),
        ("Yes", 500.0, 200.0),
        ("No", 500.0, 200.0),
        ("garbage", 0.0, 0.0),
    ],
)
def test_the_sample_has_the_totals_of_the_whole_benchmark(
    utils: ModuleType,
    rows: list[Row],
    answer: str | None,
    perception: float,
    cognition: float,
) -> None:
    answers = [answer or row["answer"] for row in rows]

    assert totals(utils, rows, answers) == {
        "mme_perception_score": perception,
        "mme_cognition_score": cognition,
    }


def test_every_category_has_one_image_with_a_yes_and_a_no(
    utils: ModuleType, rows: list[Row]
) -> None:
    categories = Counter((row["category"], row["answer"]) for row in rows)

    expected = {(name, answer) for name in utils.METRICS for answer in ("Yes", "No")}
    assert categories == dict.fromkeys(expected, 1)
    assert len({row["question_id"] for row in rows}) == 14


def test_the_sample_holds_what_its_script_draws(
    rows: list[Row], load_module: LoadModule
) -> None:
    planned = load_module("mme/make_sample.py").plan_rows()

    columns = ("question_id", "question", "answer", "category")
    assert [[row[name] for name in columns] for row in rows] == [
        [row[name] for name in columns] for row in planned
    ]


def test_both_questions_of_an_image_show_the_same_image(rows: list[Row]) -> None:
    from PIL import Image

    for first, second in zip(rows[::2], rows[1::2], strict=True):
        assert first["question_id"] == second["question_id"]
        assert first["image"]["bytes"] == second["image"]["bytes"]
        with Image.open(io.BytesIO(first["image"]["bytes"])) as image:
            assert image.size == (64, 64)


def test_the_file_says_that_the_column_is_an_image(benchmarks: Path) -> None:
    from pyarrow import parquet

    path = benchmarks / "mme" / "sample" / "test.parquet"

    schema = parquet.read_schema(path)

    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert features["image"]["_type"] == "Image"
    assert path.stat().st_size < 60_000
