"""Answers of the shapes benchmark, read from its pixels by other rules than drew them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

SIDE = 96
COLOURS = {
    (220, 40, 40): "red",
    (40, 160, 60): "green",
    (40, 80, 220): "blue",
    (240, 200, 20): "yellow",
    (140, 50, 170): "purple",
    (245, 130, 30): "orange",
    (0, 0, 0): "black",
}

Row = dict[str, str]
Point = tuple[int, int]
Ink = dict[Point, str]


@dataclass(frozen=True)
class Patch:
    colour: str
    points: frozenset[Point]

    @property
    def centre(self) -> tuple[float, float]:
        xs, ys = zip(*self.points, strict=True)
        return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2

    def shape(self) -> str | None:
        """Tell the shape by the ends and the area; None for what is none of the five."""
        xs, ys = zip(*self.points, strict=True)
        width, height = max(xs) - min(xs) + 1, max(ys) - min(ys) + 1
        if width != height:
            return None
        top, bottom = ys.count(min(ys)), ys.count(max(ys))
        area = len(self.points)
        if top <= 2:
            return {width: "triangle"}.get(bottom, "diamond" if bottom <= 2 else None)
        if area == width * height:
            return "square"
        if area * 9 == width * height * 5 and top * 3 == width:
            return "cross"
        return "circle" if abs(area / width / height - 0.785) < 0.03 else None


def read_ink(path: Path) -> Ink:
    from PIL import Image

    with Image.open(path) as image:
        pixels = image.convert("RGB").tobytes()
    ink = {}
    for place in range(SIDE * SIDE):
        red, green, blue = pixels[3 * place : 3 * place + 3]
        if (red, green, blue) != (255, 255, 255):
            ink[place % SIDE, place // SIDE] = COLOURS[red, green, blue]
    return ink


def neighbours(point: Point) -> list[Point]:
    x, y = point
    return [(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)]


def patches(ink: Ink) -> list[Patch]:
    left = dict(ink)
    found = []
    while left:
        start, colour = left.popitem()
        points, edge = {start}, [start]
        while edge:
            for point in neighbours(edge.pop()):
                if left.get(point) == colour:
                    del left[point]
                    points.add(point)
                    edge.append(point)
        found.append(Patch(colour, frozenset(points)))
    return found


@pytest.fixture(params=["data", "sample"])
def folder(request: pytest.FixtureRequest, benchmarks: Path) -> Path:
    part: str = request.param
    return benchmarks / "shapes" / part


@pytest.fixture
def seen(folder: Path) -> list[tuple[Row, Ink]]:
    lines = (folder / "test.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [(row, read_ink(folder / row["image"])) for row in rows]


def of_category(seen: list[tuple[Row, Ink]], name: str) -> list[tuple[Row, Ink]]:
    return [(row, ink) for row, ink in seen if row["category"] == name]


def test_figures_and_letters_keep_four_pixels_from_the_edge(
    seen: list[tuple[Row, Ink]],
) -> None:
    for row, ink in seen:
        if not is_noisy(ink):
            places = {place for point in ink for place in point}
            assert min(places) >= 4, row["id"]
            assert max(places) < 92, row["id"]


def test_one_figure_has_the_colour_and_the_shape_that_are_asked(
    seen: list[tuple[Row, Ink]],
) -> None:
    for row, ink in of_category(seen, "colour") + of_category(seen, "shape"):
        (patch,) = patches(ink)
        words = {
            "colour": (f"What colour is the {patch.shape()}?", patch.colour),
            "shape": (f"What shape is the {patch.colour} figure?", patch.shape()),
        }
        assert (row["question"], row["answer"]) == words[row["category"]], row["id"]


def test_counts_are_right_wherever_figures_stand_apart(
    seen: list[tuple[Row, Ink]],
) -> None:
    counts = of_category(seen, "count")
    touching = 0
    for row, ink in counts:
        shapes = [patch.shape() for patch in patches(ink)]
        if None in shapes:
            touching += 1
            continue
        asked = re.fullmatch(r"How many (\w+?)(?:es|s) are there\?", row["question"])
        assert asked is not None
        name = {"circl": "circle", "squar": "square", "triangl": "triangle"}
        shape = name.get(asked[1], asked[1])
        assert row["answer"] == str(shapes.count(shape)), row["id"]
        assert 1 <= len(shapes) <= 7
    assert touching == len(counts) // 12


def test_positions_follow_from_the_middles(seen: list[tuple[Row, Ink]]) -> None:
    asked = re.compile(r"Is the (\w+) (left of|right of|above|below) the (\w+)\?")
    for row, ink in of_category(seen, "position"):
        centres = {patch.shape(): patch.centre for patch in patches(ink)}
        question = asked.fullmatch(row["question"])
        assert question is not None
        (x, y), (other_x, other_y) = centres[question[1]], centres[question[3]]
        offset = {
            "left of": other_x - x,
            "right of": x - other_x,
            "above": other_y - y,
            "below": y - other_y,
        }[question[2]]
        assert len(centres) == 2
        assert abs(offset) >= 10, row["id"]
        assert row["answer"] == ("yes" if offset > 0 else "no"), row["id"]


def is_noisy(ink: Ink) -> bool:
    """Letters are drawn in dots of 2 by 2, so a pixel on its own is noise."""
    return any(
        all(ink.get(beside) != colour for beside in neighbours(point))
        for point, colour in ink.items()
    )


def test_words_have_as_many_letters_as_there_are_inked_column_groups(
    seen: list[tuple[Row, Ink]],
) -> None:
    words = of_category(seen, "word")
    clean = [(row, ink) for row, ink in words if not is_noisy(ink)]
    for row, ink in clean:
        columns = {x for x, _ in ink}
        groups = sum(x - 1 not in columns for x in columns)
        assert groups == len(row["answer"]), row["id"]
        assert len(set(ink.values())) == 1
    assert len(words) - len(clean) == len(words) // 8
