"""Reading words that are drawn in the dot font, two pixels to the dot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pytest_evalkit.mockserver.glyphs import GLYPH_HEIGHT, GLYPH_WIDTH, GLYPHS
from pytest_evalkit.mockserver.regions import Pixel, Region, by_colour

_SCALE = 2
_PITCH = GLYPH_WIDTH * _SCALE + 2
# A dot has four pixels; what is smaller is no ink.
_SMALLEST_INK = 4
_DOT_IS_INKED_FROM = 3
# Columns that the narrowest first letter leaves empty, and one for a stuck speck.
_SEARCH = range(-5, 2)


class _Reading(NamedTuple):
    """One way to read the ink; fewer doubtful dots are better."""

    doubts: int
    word: str


def _bits(rows: str) -> int:
    dots = rows.replace(" ", "").replace("#", "1").replace(".", "0")
    return int(dots, 2)


_LETTERS = {_bits(rows): letter for letter, rows in GLYPHS.items()}


def read_word(regions: Sequence[Region]) -> str:
    """Read the one word of a picture; empty where there is no ink.

    Specks are passed over; the grid of the letters is where they fit best.
    """
    marks = [region for region in regions if len(region.pixels) >= _SMALLEST_INK]
    inks = by_colour(marks)
    if not inks:
        return ""
    ink = max(inks.values(), key=len)
    left, top = min(x for x, _ in ink), min(y for _, y in ink)
    width = max(x for x, _ in ink) + 1 - left
    letters = max(1, round((width + 4) / _PITCH))
    readings = [
        _read_at(ink, (left + dx, top + dy), letters)
        for dx in _SEARCH
        for dy in range(-1, 2)
    ]
    return min(readings).word.lower()


def _read_at(ink: frozenset[Pixel], corner: Pixel, letters: int) -> _Reading:
    left, top = corner
    found = [
        _nearest_letter(_dots(ink, left + _PITCH * place, top))
        for place in range(letters)
    ]
    return _Reading(
        sum(reading.doubts for reading in found),
        "".join(reading.word for reading in found),
    )


def _dots(ink: frozenset[Pixel], left: int, top: int) -> int:
    """Read one letter's dots, as bits from the upper left."""
    dots = 0
    for row in range(GLYPH_HEIGHT):
        for column in range(GLYPH_WIDTH):
            x, y = left + column * _SCALE, top + row * _SCALE
            corners = ((x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1))
            inked = sum(pixel in ink for pixel in corners)
            dots = dots << 1 | (inked >= _DOT_IS_INKED_FROM)
    return dots


def _nearest_letter(dots: int) -> _Reading:
    return min(
        _Reading((dots ^ bits).bit_count(), letter) for bits, letter in _LETTERS.items()
    )
