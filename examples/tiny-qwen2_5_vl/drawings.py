"""Fresh drawings like those of the shapes benchmark, and what stands where in them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

SHAPES = Path(__file__).resolve().parents[2] / "benchmarks" / "shapes"
# The drawing code of a benchmark lies in its folder, which is no package.
sys.path.append(str(SHAPES))

import draw  # noqa: E402 -- found by the line above
from pictures import (  # noqa: E402 -- likewise
    COLOURS,
    GLYPH_SCALE,
    SIDE,
    SIZES,
    Picture,
    draw_picture,
)
from questions import SHORT, Exchange, further_exchanges  # noqa: E402 -- likewise

if TYPE_CHECKING:
    from PIL.Image import Image

CHUNK = 60
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# What can stand in a patch, and in which colour; the first is: nothing.
THINGS = ("", *SIZES, *LETTERS)
TINTS = ("", *COLOURS)


class Drawing(NamedTuple):
    """A picture, what is asked about it in turn, and the category of the first."""

    category: str
    picture: Picture
    exchanges: tuple[Exchange, ...]

    @property
    def image(self) -> Image:
        """The picture as the benchmark would save it, in RGB."""
        return draw_picture(self.picture).convert("RGB")


class Spot(NamedTuple):
    """The middle of a figure or of a letter, in pixels from the upper left corner."""

    thing: str
    colour: str
    x: int
    y: int


def fresh_drawings(seed: int, categories: frozenset[str]) -> Iterator[Drawing]:
    """Plan drawings without end, none of which is in the benchmark or its sample.

    Args:
        seed: Far from the benchmark's own, from which one counts upwards.
        categories: Those wanted, all equally often.
    """
    held_out = held_out_pictures()
    for chunk in count(seed):
        for document in draw.plan_documents(chunk, CHUNK):
            row = document.row
            if row["category"] in categories and document.picture not in held_out:
                exchange = Exchange(row["question"] + SHORT, row["answer"])
                yield Drawing(row["category"], document.picture, (exchange,))


def asked_more(drawings: Iterable[Drawing], rng: Random) -> Iterator[Drawing]:
    """Ask up to two further questions about each picture, in an order drawn by lot."""
    for drawing in drawings:
        (asked,) = drawing.exchanges
        exchanges = [asked, *further_exchanges(drawing.picture, asked, rng)]
        rng.shuffle(exchanges)
        yield drawing._replace(exchanges=tuple(exchanges))


def held_out_pictures() -> frozenset[Picture]:
    """Give every picture of the benchmark and of its sample."""
    documents = (
        *draw.plan_documents(draw.SEED, draw.PER_CATEGORY),
        *draw.plan_documents(draw.SEED + 1, draw.SAMPLE_PER_CATEGORY),
    )
    return frozenset(document.picture for document in documents)


def spots(picture: Picture) -> Iterator[Spot]:
    """Say where the middle of each figure and of each letter is."""
    for figure in picture.figures:
        half = figure.size // 2
        yield Spot(figure.shape, figure.colour, figure.left + half, figure.top + half)
    lettering = picture.lettering
    if lettering:
        middle = lettering.top + 7 * GLYPH_SCALE // 2
        for position, letter in enumerate(lettering.word):
            left = lettering.left + 6 * GLYPH_SCALE * position
            x = left + 5 * GLYPH_SCALE // 2
            yield Spot(letter, lettering.colour, x, middle)


def patch_labels(picture: Picture, patch: int, merge: int) -> list[tuple[int, int]]:
    """Say for each patch which thing has its middle there, and in which colour.

    Args:
        picture: What was drawn.
        patch: Side of a patch, in pixels.
        merge: Side of the square of patches that becomes one token, in patches.

    Returns:
        Positions in ``THINGS`` and ``TINTS``, in the order of the image processor:
        by rows of squares, and by rows of patches inside a square.
    """
    across = SIDE // patch
    labels = [(0, 0)] * across**2
    for spot in spots(picture):
        column, row = spot.x // patch, spot.y // patch
        square = row // merge * (across // merge) + column // merge
        inside = row % merge * merge + column % merge
        labels[square * merge**2 + inside] = (
            THINGS.index(spot.thing),
            TINTS.index(spot.colour),
        )
    return labels
