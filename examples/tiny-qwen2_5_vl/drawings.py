"""Fresh drawings like those of the shapes benchmark, and questions about them."""

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
from pictures import Picture, draw_picture  # noqa: E402 -- likewise
from questions import SHORT, Exchange, further_exchanges  # noqa: E402 -- likewise

if TYPE_CHECKING:
    from PIL.Image import Image

CHUNK = 60


class Drawing(NamedTuple):
    """A picture, what is asked about it in turn, and the category of the first."""

    category: str
    picture: Picture
    exchanges: tuple[Exchange, ...]

    @property
    def image(self) -> Image:
        """The picture as the benchmark would save it, in RGB."""
        return draw_picture(self.picture).convert("RGB")


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
