"""Relaxed accuracy: answers read from charts, which may be a little off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pytest_evalkit.scoring.number_answer import as_number

_UNIT = re.compile(
    r"(?P<number>[-\u2212]?[$€£¥]?\s?[\d.,]*\d%?)\s*(?P<unit>[^\W\d_][^\d]*|°[CF]?)?"
)


def relaxed_accuracy(
    *, references: Sequence[Any], predictions: Sequence[Any], tolerance: float = 0.05
) -> float:
    """Say 1 where the answer is near enough to a reference, else 0.

    Numbers may differ by 5 % of the reference, which therefore has to be met exactly
    where it is zero; other texts have to be equal, whatever case and white space (Masry
    et al. 2022, "ChartQA"; Methani et al. 2020). Where the paper is silent:
    a final full stop, commas between thousands and signs of currency do not count. "50%"
    is near to "50" as well as to "0.5". A unit behind a number does not count unless
    both sides have one; then they have to be equal.

    Args:
        references: The expected answers; one of them is enough.
        predictions: One answer; None where there is none.
        tolerance: Share of the reference.

    >>> relaxed_accuracy(references=["10"], predictions=["10.5"])
    1.0
    >>> relaxed_accuracy(references=["Oct"], predictions=["october"])
    0.0
    """
    said = predictions[0]
    if said is None:
        return 0.0
    return float(any(_is_near(str(g), str(said), tolerance) for g in references))


def _is_near(gold: str, said: str, tolerance: float) -> bool:
    gold, said = _plain(gold), _plain(said)
    if gold == said:
        return True
    golds, gold_unit = _readings(gold)
    numbers, unit = _readings(said)
    if gold_unit and unit and gold_unit != unit:
        return False
    if gold.endswith("%") and said.endswith("%"):
        golds, numbers = golds[:1], numbers[:1]
    return any(
        abs(number - target) <= tolerance * abs(target)
        for target in golds
        for number in numbers
    )


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).removesuffix(".").rstrip()


def _readings(text: str) -> tuple[list[float], str]:
    """Read a number with its unit: of a percentage, first as written, then as share."""
    match = _UNIT.fullmatch(text)
    number = None if match is None else as_number(match["number"])
    if match is None or number is None:
        return [], ""
    is_percentage = match["number"].endswith("%")
    return [number, number / 100] if is_percentage else [number], match["unit"] or ""
