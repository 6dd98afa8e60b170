"""Figures of questions that are answered by yes or no.

Yes is what is to be found. An answer that is neither was not found: it is no yes, and it
misses a yes that is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def yes_precision(items: Sequence[Any]) -> float:
    """Share of the answers "yes" that are right, between 0 and 1; 0 where there is none.

    Args:
        items: Pairs of the right answer and the given one.

    >>> yes_precision([("yes", "yes"), ("no", "yes"), ("yes", None)])
    0.5
    """
    both, _, said = _counts(items)
    return both / said if said else 0.0


def yes_recall(items: Sequence[Any]) -> float:
    """Share of the questions to be answered "yes" that are, between 0 and 1.

    Args:
        items: As of ``yes_precision``.

    >>> yes_recall([("yes", "yes"), ("no", "yes"), ("yes", None)])
    0.5
    """
    both, right, _ = _counts(items)
    return both / right if right else 0.0


def yes_f1(items: Sequence[Any]) -> float:
    """Harmonic mean of precision and recall of "yes", between 0 and 1.

    Args:
        items: As of ``yes_precision``.

    >>> yes_f1([("yes", "yes"), ("no", "yes"), ("no", "no")])
    0.6666666666666666
    """
    both, right, said = _counts(items)
    return 2 * both / (right + said) if right + said else 0.0


def yes_ratio(items: Sequence[Any]) -> float:
    """Share of all answers that are "yes", between 0 and 1; of those that were given.

    Args:
        items: As of ``yes_precision``; at least one.

    >>> yes_ratio([("yes", "yes"), ("no", "yes"), ("no", "no"), ("yes", None)])
    0.5
    """
    _, _, said = _counts(items)
    return said / len(items)


def _counts(items: Sequence[Any]) -> tuple[int, int, int]:
    """Count the right answers "yes", the questions and the answers of that kind."""
    right, said = yes_columns(items)
    both = sum(gold and answer for gold, answer in zip(right, said, strict=True))
    return both, sum(right), sum(said)


def yes_columns(items: Sequence[Any]) -> tuple[list[bool], list[bool]]:
    """Tell which questions are to be answered "yes", and which are."""
    return [_is_yes(gold) for gold, _ in items], [_is_yes(said) for _, said in items]


def _is_yes(answer: Any) -> bool:
    return isinstance(answer, str) and answer.strip().casefold() == "yes"
