from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

LoadModule = Callable[[str], ModuleType]
Row = dict[str, str]

KINDS = ("colour", "count", "shape", "position", "word")


def read_rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def folder(benchmarks: Path) -> Path:
    return benchmarks / "shapes"


@pytest.fixture
def rows(folder: Path) -> list[Row]:
    return read_rows(folder / "data" / "test.jsonl")


def read_pixels(path: Path) -> bytes:
    from PIL import Image

    with Image.open(path) as image:
        assert image.size == (96, 96)
        return image.convert("RGB").tobytes()


@pytest.mark.parametrize(
    ("part", "arguments"),
    [
        ("data", {"seed": 20260101, "per_category": 60}),
        ("sample", {"seed": 20260102, "per_category": 2, "prefix": "sample-"}),
    ],
)
def test_the_seed_draws_the_committed_files_again(
    folder: Path,
    load_module: LoadModule,
    tmp_path: Path,
    part: str,
    arguments: dict[str, Any],
) -> None:
    draw = load_module("shapes/draw.py")

    draw.write_documents(draw.plan_documents(**arguments), tmp_path)

    committed = read_rows(folder / part / "test.jsonl")
    assert read_rows(tmp_path / "test.jsonl") == committed
    for row in committed:
        drawn = read_pixels(tmp_path / row["image"])
        assert drawn == read_pixels(folder / part / row["image"]), row["id"]


@pytest.mark.parametrize("part", ["data", "sample"])
def test_every_picture_belongs_to_one_document(folder: Path, part: str) -> None:
    named = [row["image"] for row in read_rows(folder / part / "test.jsonl")]

    found = [f"images/{path.name}" for path in (folder / part / "images").iterdir()]

    assert sorted(named) == sorted(found)


def test_ids_are_unique_and_categories_take_turns(rows: list[Row]) -> None:
    assert len({row["id"] for row in rows}) == 300
    assert [row["category"] for row in rows] == [*KINDS] * 60


def test_the_sample_has_two_documents_of_each_category_and_ids_of_its_own(
    folder: Path, rows: list[Row]
) -> None:
    sample = read_rows(folder / "sample" / "test.jsonl")

    assert Counter(row["category"] for row in sample) == dict.fromkeys(KINDS, 2)
    assert not {row["id"] for row in sample} & {row["id"] for row in rows}


def answers_of(rows: list[Row], category: str) -> Counter[str]:
    return Counter(row["answer"] for row in rows if row["category"] == category)


def test_half_of_the_positions_hold(rows: list[Row]) -> None:
    assert answers_of(rows, "position") == {"yes": 30, "no": 30}


@pytest.mark.parametrize(
    ("category", "distinct"), [("colour", 7), ("count", 8), ("shape", 5), ("word", 40)]
)
def test_answers_are_equally_frequent(
    rows: list[Row], category: str, distinct: int
) -> None:
    answers = answers_of(rows, category)

    assert len(answers) == distinct
    assert max(answers.values()) - min(answers.values()) <= 1


def test_all_pictures_together_are_small(folder: Path) -> None:
    sizes = [path.stat().st_size for path in folder.glob("*/images/*.png")]

    assert len(sizes) == 310
    assert sum(sizes) < 250_000


def test_there_are_26_different_glyphs_of_5_by_7(folder: Path) -> None:
    glyphs = json.loads((folder / "glyphs.json").read_text(encoding="utf-8"))

    assert sorted(glyphs) == list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert len({tuple(glyph) for glyph in glyphs.values()}) == 26
    assert {len(glyph) for glyph in glyphs.values()} == {7}
    assert {len(line) for glyph in glyphs.values() for line in glyph} == {5}
    assert set("".join("".join(glyph) for glyph in glyphs.values())) == {"#", "."}
