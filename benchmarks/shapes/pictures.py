"""What a picture of the shapes benchmark holds, and how it is drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 96
GLYPH_SCALE = 2

WHITE = (255, 255, 255)
COLOURS = {
    "red": (220, 40, 40),
    "green": (40, 160, 60),
    "blue": (40, 80, 220),
    "yellow": (240, 200, 20),
    "purple": (140, 50, 170),
    "orange": (245, 130, 30),
    "black": (0, 0, 0),
}
# The arms of a cross are a third of its size, so its sizes are multiples of three.
SIZES = {
    "circle": range(14, 27),
    "square": range(14, 27),
    "triangle": range(16, 29),
    "diamond": range(16, 29),
    "cross": range(15, 28, 3),
}
GLYPHS: dict[str, list[str]] = json.loads(
    Path(__file__).with_name("glyphs.json").read_text(encoding="utf-8")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A filled shape; ``left`` and ``top`` are the corner of its bounding box."""

    shape: str
    colour: str
    left: int
    top: int
    size: int

    def centre(self, axis: int) -> float:
        """Say where the middle of the box is, along x (0) or y (1)."""
        return (self.left, self.top)[axis] + self.size / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Lettering:
    """A word in capitals; ``left`` and ``top`` are the corner of its bounding box."""

    word: str
    colour: str
    left: int
    top: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All that is drawn on white.

    Attributes:
        figures: Filled shapes.
        lettering: The written word, or None.
        noise: Single black pixels, as (x, y), on top of everything.
    """

    figures: tuple[Figure, ...] = ()
    lettering: Lettering | None = None
    noise: tuple[tuple[int, int], ...] = ()


def spans(figure: Figure) -> Iterator[tuple[int, int, int]]:
    """Give the rows of a figure as (y, first x, last x).

    Shapes are worked out here, pixel by pixel, because how an imaging library rounds
    a circle or a slope changes from version to version.
    """
    width = ROW_WIDTHS[figure.shape]
    for row in range(figure.size):
        across = width(row, figure.size)
        first = figure.left + (figure.size - across) // 2
        yield figure.top + row, first, first + across - 1


def _circle_width(row: int, size: int) -> int:
    from_middle = 2 * row + 1 - size
    return sum((2 * x + 1 - size) ** 2 + from_middle**2 <= size**2 for x in range(size))


def _square_width(_row: int, size: int) -> int:
    return size


def _triangle_width(row: int, size: int) -> int:
    # In steps of two, so that both sides stay mirror images.
    return 2 * (row // 2) + 1 + (size + 1) % 2


def _diamond_width(row: int, size: int) -> int:
    return size - abs(2 * row + 1 - size) + (size + 1) % 2


def _cross_width(row: int, size: int) -> int:
    arm = size // 3
    return size if arm <= row < 2 * arm else arm


ROW_WIDTHS: dict[str, Callable[[int, int], int]] = {
    "circle": _circle_width,
    "square": _square_width,
    "triangle": _triangle_width,
    "diamond": _diamond_width,
    "cross": _cross_width,
}


def draw_picture(picture: Picture) -> Image:
    """Draw a picture, without anti-aliasing, as an image with a palette of eight."""
    from PIL import Image, ImageDraw

    image = Image.new("P", (SIDE, SIDE), 0)
    image.putpalette([level for rgb in (WHITE, *COLOURS.values()) for level in rgb])
    pen = ImageDraw.Draw(image)
    for colour, box in _boxes(picture):
        pen.rectangle(box, fill=1 + list(COLOURS).index(colour))
    return image


def _boxes(picture: Picture) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    """Give all that is inked as (colour, (left, top, right, bottom)), ends included."""
    for figure in picture.figures:
        for y, first, last in spans(figure):
            yield figure.colour, (first, y, last, y)
    if picture.lettering:
        for x, y in _dots(picture.lettering):
            far = GLYPH_SCALE - 1
            yield picture.lettering.colour, (x, y, x + far, y + far)
    for x, y in picture.noise:
        yield "black", (x, y, x, y)


def _dots(lettering: Lettering) -> Iterator[tuple[int, int]]:
    for position, letter in enumerate(lettering.word):
        for row, cells in enumerate(GLYPHS[letter]):
            for column, cell in enumerate(cells):
                if cell == "#":
                    across = 6 * position + column
                    yield (
                        lettering.left + GLYPH_SCALE * across,
                        lettering.top + GLYPH_SCALE * row,
                    )
