"""Figures of labels: right ones beside those that were given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_evalkit.stats import mean


def f1(items: Sequence[Any]) -> float:
    """Harmonic mean of precision and recall of the label 1, between 0 and 1.

    It is 0 where neither side has that label.

    Args:
        items: Pairs of the right label and the given one.

    Raises:
        ValueError: There are labels other than 0 and 1.
    """
    from sklearn.metrics import f1_score

    golds, answers = _columns(items)
    return float(f1_score(golds, answers, zero_division=0.0))


def matthews_corrcoef(items: Sequence[Any]) -> float:
    """Matthews correlation coefficient, from -1 to 1; 0 where one side never varies.

    Matthews 1975; of more than two labels, Gorodkin 2004.

    Args:
        items: Pairs of the right label and the given one.

    Raises:
        ValueError: What there is are no labels.
    """
    from sklearn.metrics import matthews_corrcoef

    golds, answers = _columns(items)
    if len({*golds, *answers}) == 1:
        return 0.0
    return float(matthews_corrcoef(golds, answers))


def brier_score(items: Sequence[Any]) -> float:
    """Squared distance of probabilities from certainty of the right choice, on average.

    From 0, for certainty of it, to 2, for certainty of another (Brier 1950).

    Args:
        items: Pairs of the position of the right choice and a probability for each
            choice.

    Raises:
        ValueError: There is no choice at such a position.

    >>> brier_score([(0, [0.75, 0.25])])
    0.125
    """
    return mean([_brier(gold, probabilities) for gold, probabilities in items])


def acc_all(items: Sequence[Any]) -> float:
    """Share of questions of which every answer was judged rightly, between 0 and 1.

    As in MultiRC (Khashabi et al. 2018), where a question has several answers, each a
    document of its own.

    Args:
        items: Pairs of a judgement, true for a right answer, and its document, which
            has ``idx`` with ``paragraph`` and ``question``, and ``label``.

    Raises:
        KeyError: A document lacks one of them.
    """
    return mean(questions(items))


def questions(items: Sequence[Any], *, is_paragraph_told: bool = True) -> list[int]:
    """Judge questions by all their answers: 1 where each was judged rightly, else 0.

    Args:
        items: As of ``acc_all``.
        is_paragraph_told: Whether questions with one number in two paragraphs are two.
    """
    right: dict[Any, bool] = {}
    for judgement, doc in items:
        place = doc["idx"]["paragraph"] if is_paragraph_told else None
        question = (place, doc["idx"]["question"])
        is_right = (doc["label"] == 1) == judgement
        right[question] = right.get(question, True) and is_right
    return [int(all_right) for all_right in right.values()]


def _columns(items: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    return [gold for gold, _ in items], [answer for _, answer in items]


def _brier(gold: Any, probabilities: Sequence[float]) -> float:
    if not isinstance(gold, int) or not 0 <= gold < len(probabilities):
        raise ValueError(
            f"brier_score needs the position of the right choice, from 0 to "
            f"{len(probabilities) - 1}, not {gold!r}"
        )
    return sum(
        (probability - (position == gold)) ** 2
        for position, probability in enumerate(probabilities)
    )
