"""Questions about a picture besides the one that it was drawn for.

Several answers for one look at a picture teach more than one does. These are of the
benchmark's kinds, asked of any picture; and, because their answers say more than a word
or a yes does, the spelling of a word and the direction from one figure to another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import permutations
from random import Random
from typing import NamedTuple

from pictures import Figure, Lettering, Picture

SHORT = "\nAnswer with a single word or number."
# As in the benchmark: nearer than this, one would have to measure.
LEAST_OFFSET = 10
# (axis, sign): the first centre minus the second, along the axis, has this sign.
RELATIONS = {
    "left of": (0, -1),
    "right of": (0, 1),
    "above": (1, -1),
    "below": (1, 1),
}


OPPOSITES = {
    "left of": "right of",
    "right of": "left of",
    "above": "below",
    "below": "above",
}


class Exchange(NamedTuple):
    """A question and its answer."""

    question: str
    answer: str


def further_exchanges(picture: Picture, asked: Exchange, rng: Random) -> list[Exchange]:
    """Draw one question of each of two kinds by lot, or what the picture allows.

    Args:
        picture: What is asked about.
        asked: What is asked already.
        rng: Decides which.
    """
    if picture.lettering:
        return [_spelling(picture.lettering)]
    kinds = [
        [exchange for exchange in kind(picture.figures) if exchange != asked]
        for kind in (_counts, _colours, _shapes, _relations, _directions)
    ]
    possible = [kind for kind in kinds if kind]
    chosen = rng.sample(possible, min(2, len(possible)))
    return [rng.choice(kind) for kind in chosen]


def lies(figure: Figure, relation: str, other: Figure) -> bool:
    """Say whether a figure lies in a direction from another, and clearly so."""
    axis, sign = RELATIONS[relation]
    return sign * (figure.centre(axis) - other.centre(axis)) >= LEAST_OFFSET


def _spelling(lettering: Lettering) -> Exchange:
    return Exchange("Spell the word.", " ".join(lettering.word))


def _counts(figures: tuple[Figure, ...]) -> Iterator[Exchange]:
    for shape, number in Counter(figure.shape for figure in figures).items():
        plural = "crosses" if shape == "cross" else f"{shape}s"
        yield Exchange(f"How many {plural} are there?{SHORT}", str(number))


def _colours(figures: tuple[Figure, ...]) -> Iterator[Exchange]:
    for figure in _alone(figures, "shape"):
        yield Exchange(f"What colour is the {figure.shape}?{SHORT}", figure.colour)


def _shapes(figures: tuple[Figure, ...]) -> Iterator[Exchange]:
    for figure in _alone(figures, "colour"):
        yield Exchange(
            f"What shape is the {figure.colour} figure?{SHORT}", figure.shape
        )


def _relations(figures: tuple[Figure, ...]) -> Iterator[Exchange]:
    for first, second in permutations(_alone(figures, "shape"), 2):
        for relation, opposite in OPPOSITES.items():
            holds = lies(first, relation, second)
            if holds or lies(first, opposite, second):
                question = f"Is the {first.shape} {relation} the {second.shape}?{SHORT}"
                yield Exchange(question, "yes" if holds else "no")


def _directions(figures: tuple[Figure, ...]) -> Iterator[Exchange]:
    for first, second in permutations(_alone(figures, "shape"), 2):
        words = [
            relation.removesuffix(" of")
            for relation in RELATIONS
            if lies(first, relation, second)
        ]
        # Two that touch may be too near to tell.
        if words:
            question = f"Where is the {first.shape}, seen from the {second.shape}?"
            yield Exchange(question, " ".join(words))


def _alone(figures: tuple[Figure, ...], trait: str) -> list[Figure]:
    """Give the figures whose shape or colour no other has."""
    numbers = Counter(getattr(figure, trait) for figure in figures)
    return [figure for figure in figures if numbers[getattr(figure, trait)] == 1]
