"""What the vision tower is asked about each patch of a picture while it learns to see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pictures import COLOURS, GLYPH_SCALE, SIDE, SIZES, Figure, Lettering, Picture
from questions import RELATIONS, lies

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# What can have its middle in a patch, and in which colour; the first is: nothing.
THINGS = ("", *SIZES, *LETTERS)
TINTS = ("", *COLOURS)
# A figure sees at most seven of its own shape, itself included.
MOST_ALIKE = 7
# For each direction and shape: is there one of that shape, in that direction?
NEIGHBOURS = tuple((relation, shape) for relation in RELATIONS for shape in SIZES)

# The thing, its colour, how many figures have its shape, and each of the neighbours.
Label = tuple[int, ...]
EMPTY: Label = (0,) * (3 + len(NEIGHBOURS))


def patch_labels(picture: Picture, patch: int, merge: int) -> list[Label]:
    """Label each patch by what has its middle there.

    Args:
        picture: What was drawn.
        patch: Side of a patch, in pixels.
        merge: Side of the square of patches that becomes one token, in patches.

    Returns:
        Labels in the order of the image processor: by rows of squares, and by rows of
        patches inside a square. Letters are labelled without what only figures have.
    """
    across = SIDE // patch
    labels = [EMPTY] * across**2
    for x, y, label in _spots(picture):
        column, row = x // patch, y // patch
        square = row // merge * (across // merge) + column // merge
        inside = row % merge * merge + column % merge
        labels[square * merge**2 + inside] = label
    return labels


def _spots(picture: Picture) -> Iterator[tuple[int, int, Label]]:
    """Give the middle of each figure and of each letter, in pixels, with its label."""
    for figure in picture.figures:
        half = figure.size // 2
        label = _figure_label(figure, picture.figures)
        yield figure.left + half, figure.top + half, label
    if picture.lettering:
        yield from _letter_spots(picture.lettering)


def _figure_label(figure: Figure, figures: Sequence[Figure]) -> Label:
    return (
        THINGS.index(figure.shape),
        TINTS.index(figure.colour),
        sum(other.shape == figure.shape for other in figures),
        *(
            any(
                lies(other, relation, figure)
                for other in figures
                if other.shape == shape
            )
            for relation, shape in NEIGHBOURS
        ),
    )


def _letter_spots(lettering: Lettering) -> Iterator[tuple[int, int, Label]]:
    middle = lettering.top + 7 * GLYPH_SCALE // 2
    for position, letter in enumerate(lettering.word):
        left = lettering.left + 6 * GLYPH_SCALE * position
        label = (THINGS.index(letter), TINTS.index(lettering.colour))
        yield left + 5 * GLYPH_SCALE // 2, middle, label + EMPTY[2:]
