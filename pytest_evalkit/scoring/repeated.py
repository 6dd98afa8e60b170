"""The answers to a document that was asked several times, each scored by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from pytest_evalkit.codec import CodecError, encode_canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """What each answer to a document is worth by itself, under one filter.

    Attributes:
        scores: By metric, the score of each answer; only metrics of which every answer
            has a number.
        answers: For each answer the place of the first that says the same, counted from
            0; None where nothing was found in it.
        problem: Why there are no scores; None where there are.
    """

    scores: Mapping[str, Sequence[float]] = field(default_factory=dict)
    answers: Sequence[int | None] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OneAnswer:
    """What became of one answer by itself.

    Attributes:
        filtered: What the filters made of it.
        is_found: False where they say that nothing was found.
        values: Its value by metric.
    """

    filtered: Any
    is_found: bool
    values: Mapping[str, Any]


def repeated(answers: Sequence[OneAnswer], score_key: str) -> Repeated:
    """Put the answers to a document beside each other.

    Args:
        answers: One at least.
        score_key: Which number of a value that is a mapping counts.
    """
    names = list(answers[0].values)
    scores = {
        name: [_score(answer.values.get(name), score_key) for answer in answers]
        for name in names
    }
    return Repeated(
        scores={
            name: [score for score in own if score is not None]
            for name, own in scores.items()
            if None not in own
        },
        answers=_alike(answers),
    )


def _score(value: Any, score_key: str) -> float | None:
    number = value.get(score_key) if isinstance(value, Mapping) else value
    if isinstance(number, Real) and math.isfinite(number):
        return float(number)
    return None


def _alike(answers: Sequence[OneAnswer]) -> list[int | None]:
    places: dict[bytes, int] = {}
    return [
        places.setdefault(_text(answer.filtered), place) if answer.is_found else None
        for place, answer in enumerate(answers)
    ]


def _text(value: Any) -> bytes:
    """Write an answer so that equal ones are the same text."""
    try:
        return encode_canonical(value)
    except CodecError:
        return repr(value).encode("utf-8", "replace")
