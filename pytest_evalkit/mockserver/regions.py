"""Seeing: an image as coloured regions on a plain ground."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Pixel = tuple[int, int]

_COLOURS = {
    "white": (255, 255, 255),
    "red": (220, 40, 40),
    "green": (40, 160, 60),
    "blue": (40, 80, 220),
    "yellow": (240, 200, 20),
    "purple": (140, 50, 170),
    "orange": (245, 130, 30),
    "black": (0, 0, 0),
}
_GROUND = "white"

# For each shape: the share of its bounding box that it fills, and its width, as a share
# of the box's, one quarter and three quarters down.
_PROFILES = {
    "square": (1.0, 1.0, 1.0),
    "circle": (0.785, 0.866, 0.866),
    "triangle": (0.5, 0.25, 0.75),
    "diamond": (0.5, 0.5, 0.5),
    "cross": (0.556, 0.333, 0.333),
}
SHAPES = tuple(_PROFILES)


@dataclass(frozen=True, slots=True)
class Region:
    """Pixels of one colour that hang together.

    Attributes:
        colour: Name of the colour.
        pixels: Columns and rows, from the upper left corner; at least one.
    """

    colour: str
    pixels: frozenset[Pixel]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom; the last two are outside."""
        columns = [x for x, _ in self.pixels]
        rows = [y for _, y in self.pixels]
        return min(columns), min(rows), max(columns) + 1, max(rows) + 1

    @property
    def centre(self) -> tuple[float, float]:
        """Column and row of the middle of the box."""
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2

    @property
    def shape(self) -> str:
        """Name of the shape that it looks most like."""
        return min(SHAPES, key=self.unlikeness)

    def unlikeness(self, shape: str) -> float:
        """Measure how little it looks like a shape; zero for a perfect one."""
        left, top, right, bottom = self.box
        width, height = right - left, bottom - top
        rows = Counter(y for _, y in self.pixels)
        seen = (
            len(self.pixels) / (width * height),
            rows[top + height // 4] / width,
            rows[top + height - 1 - height // 4] / width,
        )
        pairs = zip(seen, _PROFILES[shape], strict=True)
        return sum((found - ideal) ** 2 for found, ideal in pairs)


def regions_of(content: bytes) -> list[Region]:
    """Find the coloured regions of an image; the largest first.

    Args:
        content: An encoded image.

    Raises:
        OSError: It cannot be decoded.
    """
    unseen = _coloured_pixels(content)
    regions = []
    while unseen:
        start = next(iter(unseen))
        colour = unseen[start]
        pixels = frozenset(_flood(unseen, start, colour))
        regions.append(Region(colour, pixels))
    return sorted(regions, key=lambda region: (-len(region.pixels), region.box))


def _coloured_pixels(content: bytes) -> dict[Pixel, str]:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        width = image.width
        raw = image.convert("RGB").tobytes()
    triples = list(zip(raw[0::3], raw[1::3], raw[2::3], strict=True))
    names = {triple: _nearest_colour(triple) for triple in set(triples)}
    return {
        (place % width, place // width): names[triple]
        for place, triple in enumerate(triples)
        if names[triple] != _GROUND
    }


def _nearest_colour(triple: Sequence[int]) -> str:
    def distance(name: str) -> int:
        return sum((a - b) ** 2 for a, b in zip(triple, _COLOURS[name], strict=True))

    return min(_COLOURS, key=distance)


def _flood(unseen: dict[Pixel, str], start: Pixel, colour: str) -> Iterator[Pixel]:
    """Take a pixel and all of its colour that touch it, side by side."""
    del unseen[start]
    front = [start]
    while front:
        x, y = front.pop()
        yield x, y
        for pixel in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if unseen.get(pixel) == colour:
                del unseen[pixel]
                front.append(pixel)


def by_colour(regions: Sequence[Region]) -> Mapping[str, frozenset[Pixel]]:
    """Gather the pixels of each colour."""
    gathered: dict[str, frozenset[Pixel]] = {}
    for region in regions:
        gathered[region.colour] = gathered.get(region.colour, frozenset()) | (
            region.pixels
        )
    return gathered
