"""The demo model: answers questions on pictures of shapes and words by looking.

It decodes the picture that it is sent and sees nothing else. Its mistakes are honest:
shapes of one colour that touch are one to it, and specks can spoil a letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pytest_evalkit.mockserver.lettering import read_word
from pytest_evalkit.mockserver.payloads import (
    last_user_image,
    last_user_text,
    shows_image,
)
from pytest_evalkit.mockserver.regions import SHAPES, Region, regions_of
from pytest_evalkit.mockserver.reply import Reply

# Smaller regions are specks.
_SMALLEST_SHAPE = 40
_UNKNOWN = "unknown"

_SIDES: dict[str, Callable[[Region, Region], bool]] = {
    "left of": lambda a, b: a.centre[0] < b.centre[0],
    "right of": lambda a, b: a.centre[0] > b.centre[0],
    "above": lambda a, b: a.centre[1] < b.centre[1],
    "below": lambda a, b: a.centre[1] > b.centre[1],
}


def answer_shapes(payload: dict[str, Any]) -> Reply:
    """Answer the last question of a chat on the picture that came with it.

    A question of another kind is answered ``unknown``, whether or not a picture came
    with it. Where a picture that counts is missing or cannot be decoded, the reply is
    an error 400.
    """
    question = last_user_text(payload).partition("\n")[0].strip()
    image = last_user_image(payload)
    if image is None:
        if not shows_image(payload) and _asked(question) is None:
            return Reply(text=_UNKNOWN)
        return Reply(text="the demo model needs a picture", status=400)
    try:
        regions = regions_of(image)
    except OSError as error:
        return Reply(text=f"the picture cannot be decoded: {error}", status=400)
    look = _asked(question)
    return Reply(text=_UNKNOWN if look is None else look(regions))


def _asked(question: str) -> Callable[[Sequence[Region]], str] | None:
    """Find what to look for; None where the question is of another kind."""
    for pattern, look in _QUESTIONS.items():
        match = re.fullmatch(pattern, question)
        if match:
            return partial(look, **match.groupdict())
    return None


def _shapes(regions: Sequence[Region]) -> list[Region]:
    return [region for region in regions if len(region.pixels) >= _SMALLEST_SHAPE]


def _colour(regions: Sequence[Region], shape: str) -> str:
    seen = _shapes(regions)
    if not seen or shape not in SHAPES:
        return _UNKNOWN
    return min(seen, key=lambda region: region.unlikeness(shape)).colour


def _count(regions: Sequence[Region], plural: str) -> str:
    shape = "cross" if plural == "crosses" else plural.removesuffix("s")
    return str(sum(region.shape == shape for region in _shapes(regions)))


def _shape(regions: Sequence[Region], colour: str) -> str:
    seen = [region for region in _shapes(regions) if region.colour == colour]
    return seen[0].shape if seen else _UNKNOWN


def _position(regions: Sequence[Region], first: str, side: str, second: str) -> str:
    """Compare two shapes; where each looks doubtful, take the likelier assignment."""
    seen = _shapes(regions)
    pairs = [(a, b) for a in seen for b in seen if a is not b]
    if not pairs or not {first, second} <= set(SHAPES):
        return _UNKNOWN
    a, b = min(
        pairs,
        key=lambda pair: pair[0].unlikeness(first) + pair[1].unlikeness(second),
    )
    return "yes" if _SIDES[side](a, b) else "no"


def _word(regions: Sequence[Region]) -> str:
    return read_word(regions) or _UNKNOWN


_QUESTIONS: dict[str, Callable[..., str]] = {
    r"What colou?r is the (?P<shape>\w+)\?": _colour,
    r"How many (?P<plural>\w+) are there\?": _count,
    r"What shape is the (?P<colour>\w+) figure\?": _shape,
    rf"Is the (?P<first>\w+) (?P<side>{'|'.join(_SIDES)}) the (?P<second>\w+)\?": (
        _position
    ),
    r"What word is written in the picture\?": _word,
}
