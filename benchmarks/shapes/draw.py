"""Draw the pictures of the shapes benchmark and write down their questions.

``python benchmarks/shapes/draw.py`` writes ``data/`` and ``sample/`` beside this file.
Everything follows from the seed: the same seed gives the same rows and pixels.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeVar

from pictures import (
    COLOURS,
    GLYPH_SCALE,
    SIDE,
    SIZES,
    Figure,
    Lettering,
    Picture,
    draw_picture,
    spans,
)

T = TypeVar("T")

SEED = 20260101
PER_CATEGORY = 60
SAMPLE_PER_CATEGORY = 2

MARGIN = 4
CLEARANCE = 3
MOST_FIGURES = 7
LEAST_OFFSET = 10
MOST_CONTACT = 12
NOISY_PIXELS = round(0.02 * SIDE * SIDE)

PLURALS = {shape: f"{shape}s" for shape in SIZES} | {"cross": "crosses"}
# (axis, sign): the first centre minus the second, along the axis, has this sign.
RELATIONS = {
    "left of": (0, -1),
    "right of": (0, 1),
    "above": (1, -1),
    "below": (1, 1),
}
WORDS = (
    *("apple", "bird", "book", "box", "bread", "chair", "cloud", "cup", "dog"),
    *("door", "fish", "flower", "fox", "garden", "glass", "hand", "house", "jacket"),
    *("key", "kite", "lamp", "letter", "milk", "moon", "music", "number", "ocean"),
    *("paper", "queen", "rain", "river", "school", "shoe", "snow", "spoon", "stone"),
    *("sun", "tree", "window", "zebra"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """A question about a picture, and its answer."""

    question: str
    answer: str
    picture: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A row of the data set with the picture it points to."""

    row: dict[str, str]
    picture: Picture


def plan_documents(
    seed: int, per_category: int, *, prefix: str = ""
) -> Iterator[Document]:
    """Plan every document, the categories taking turns.

    Args:
        seed: Decides everything that is drawn by lot.
        per_category: Number of documents of each category.
        prefix: Starts every id, to tell several sets apart.
    """
    exercises = {
        # Not for secrets; a text as seed gives each category a stream of its own.
        category: plan(Random(f"{seed}/{category}"), per_category)  # noqa: S311
        for category, plan in CATEGORIES.items()
    }
    for position in range(per_category):
        for category, planned in exercises.items():
            name = f"{prefix}{category}-{position + 1:04d}"
            yield _document(name, category, planned[position])


def _document(name: str, category: str, exercise: Exercise) -> Document:
    row = {
        "id": name,
        "category": category,
        "question": exercise.question,
        "answer": exercise.answer,
        "image": f"images/{name}.png",
    }
    return Document(row=row, picture=exercise.picture)


def _colours(rng: Random, number: int) -> list[Exercise]:
    exercises = []
    for colour in _balanced(rng, COLOURS, number):
        shape = rng.choice(list(SIZES))
        figure = _figure(rng, shape, colour)
        question = f"What colour is the {shape}?"
        picture = Picture(figures=(figure,))
        exercises.append(Exercise(question=question, answer=colour, picture=picture))
    return exercises


def _shapes(rng: Random, number: int) -> list[Exercise]:
    exercises = []
    for shape in _balanced(rng, SIZES, number):
        figure = _figure(rng, shape, rng.choice(list(COLOURS)))
        question = f"What shape is the {figure.colour} figure?"
        picture = Picture(figures=(figure,))
        exercises.append(Exercise(question=question, answer=shape, picture=picture))
    return exercises


def _counts(rng: Random, number: int) -> list[Exercise]:
    touching = set(rng.sample(range(number), number // 12))
    answers = _balanced(rng, range(MOST_FIGURES + 1), number)
    asked = _balanced(rng, SIZES, number)
    exercises = []
    for position, (shape, answer) in enumerate(zip(asked, answers, strict=True)):
        touches = position in touching
        shapes = _crowd(rng, shape, answer, at_least=2 if touches else 1)
        figures = _place(rng, shapes, touching=touches)
        question = f"How many {PLURALS[shape]} are there?"
        picture = Picture(figures=figures)
        exercises.append(
            Exercise(question=question, answer=str(answer), picture=picture)
        )
    return exercises


def _crowd(rng: Random, shape: str, times: int, *, at_least: int) -> list[str]:
    others = [other for other in SIZES if other != shape]
    total = rng.randint(max(at_least, times), MOST_FIGURES)
    shapes = [shape] * times + rng.choices(others, k=total - times)
    rng.shuffle(shapes)
    return shapes


def _positions(rng: Random, number: int) -> list[Exercise]:
    relations = _balanced(rng, RELATIONS, number)
    answers = _balanced(rng, ("yes", "no"), number)
    exercises = []
    for relation, answer in zip(relations, answers, strict=True):
        first, second = _related(rng, relation, holds=answer == "yes")
        question = f"Is the {first.shape} {relation} the {second.shape}?"
        # The asked order must not show in the order of drawing.
        picture = Picture(figures=tuple(rng.sample((first, second), 2)))
        exercises.append(Exercise(question=question, answer=answer, picture=picture))
    return exercises


def _related(rng: Random, relation: str, *, holds: bool) -> tuple[Figure, Figure]:
    axis, sign = RELATIONS[relation]
    while True:
        first, second = _place(rng, rng.sample(list(SIZES), 2), touching=False)
        offset = sign * (first.centre(axis) - second.centre(axis))
        if abs(offset) >= LEAST_OFFSET and (offset > 0) == holds:
            return first, second


def _words(rng: Random, number: int) -> list[Exercise]:
    noisy = set(rng.sample(range(number), number // 8))
    exercises = []
    for position, word in enumerate(_balanced(rng, WORDS, number)):
        colour = rng.choice(("black", rng.choice(list(COLOURS))))
        picture = Picture(
            lettering=_lettering(rng, word, colour),
            noise=_noise(rng) if position in noisy else (),
        )
        question = "What word is written in the picture?"
        exercises.append(Exercise(question=question, answer=word, picture=picture))
    return exercises


CATEGORIES: dict[str, Callable[[Random, int], list[Exercise]]] = {
    "colour": _colours,
    "count": _counts,
    "shape": _shapes,
    "position": _positions,
    "word": _words,
}


def _lettering(rng: Random, word: str, colour: str) -> Lettering:
    width = 6 * GLYPH_SCALE * len(word) - GLYPH_SCALE
    height = 7 * GLYPH_SCALE
    return Lettering(
        word=word.upper(),
        colour=colour,
        left=rng.randint(MARGIN, SIDE - MARGIN - width),
        top=rng.randint(MARGIN, SIDE - MARGIN - height),
    )


def _noise(rng: Random) -> tuple[tuple[int, int], ...]:
    places = rng.sample(range(SIDE * SIDE), NOISY_PIXELS)
    return tuple((place % SIDE, place // SIDE) for place in places)


def _balanced(rng: Random, values: Iterable[T], number: int) -> list[T]:
    """Draw each value equally often, up to one, in an order drawn by lot."""
    pool = list(values)
    rng.shuffle(pool)
    drawn = [pool[position % len(pool)] for position in range(number)]
    rng.shuffle(drawn)
    return drawn


def _place(rng: Random, shapes: Sequence[str], *, touching: bool) -> tuple[Figure, ...]:
    """Find room for figures; with ``touching``, the last two meet in one colour."""
    while True:
        figures = _layout(rng, shapes, touching=touching)
        if figures is not None:
            return figures


def _layout(
    rng: Random, shapes: Sequence[str], *, touching: bool
) -> tuple[Figure, ...] | None:
    placed: list[Figure] = []
    for shape in shapes:
        partner = placed[-1] if touching and len(placed) == len(shapes) - 1 else None
        figure = _fitting(rng, shape, placed, partner)
        if figure is None:
            return None
        placed.append(figure)
    return tuple(placed)


def _fitting(
    rng: Random, shape: str, placed: Sequence[Figure], partner: Figure | None
) -> Figure | None:
    """Try places by lot; None where a hundred of them did not do."""
    for _ in range(100):
        colour = partner.colour if partner else rng.choice(list(COLOURS))
        figure = _figure(rng, shape, colour)
        others = [other for other in placed if other is not partner]
        if not all(_apart(figure, other) for other in others):
            continue
        if partner is None or 1 <= _contact(figure, partner) <= MOST_CONTACT:
            return figure
    return None


def _figure(rng: Random, shape: str, colour: str) -> Figure:
    size = rng.choice(SIZES[shape])
    return Figure(
        shape=shape,
        colour=colour,
        left=rng.randint(MARGIN, SIDE - MARGIN - size),
        top=rng.randint(MARGIN, SIDE - MARGIN - size),
        size=size,
    )


def _apart(one: Figure, other: Figure) -> bool:
    return (
        one.left + one.size + CLEARANCE <= other.left
        or other.left + other.size + CLEARANCE <= one.left
        or one.top + one.size + CLEARANCE <= other.top
        or other.top + other.size + CLEARANCE <= one.top
    )


def _contact(one: Figure, other: Figure) -> int:
    """Count the pixels of ``one`` that lie on ``other`` or share an edge with it."""
    if _apart(one, other):
        return 0
    taken = set(_pixels(other))
    steps = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
    return sum(
        any((x + dx, y + dy) in taken for dx, dy in steps) for x, y in _pixels(one)
    )


def _pixels(figure: Figure) -> Iterator[tuple[int, int]]:
    for y, first, last in spans(figure):
        yield from ((x, y) for x in range(first, last + 1))


def write_documents(
    documents: Iterable[Document], folder: Path, *, split: str = "test"
) -> None:
    """Write ``<split>.jsonl`` and the pictures it names.

    Args:
        documents: What to write, in the order of the rows.
        folder: Where to; made where it is missing.
        split: Name of the file of rows.

    Raises:
        OSError: A file could not be written.
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    with (folder / f"{split}.jsonl").open("w", encoding="utf-8", newline="\n") as rows:
        for document in documents:
            rows.write(json.dumps(document.row) + "\n")
            path = folder / document.row["image"]
            draw_picture(document.picture).save(path, optimize=True)


def main() -> None:
    """Write the benchmark and its sample beside this file."""
    here = Path(__file__).parent
    write_documents(plan_documents(SEED, PER_CATEGORY), here / "data")
    # The next seed: nothing of the sample gives away an answer of the benchmark.
    sample = plan_documents(SEED + 1, SAMPLE_PER_CATEGORY, prefix="sample-")
    write_documents(sample, here / "sample")


if __name__ == "__main__":
    main()
