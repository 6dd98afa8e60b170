"""Measures that tasks import from the two projects: plain functions on values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pytest_evalkit.errors import ScoringError


def mean(arr: Sequence[float]) -> float:
    """Average numbers.

    Raises:
        ScoringError: There is none.
    """
    if not arr:
        raise ScoringError("the mean of no values is not defined")
    return sum(arr) / len(arr)


def median(arr: Sequence[float]) -> float:
    """Take the value in the middle; of an even number, the upper one of the two.

    Raises:
        ScoringError: There is none.
    """
    if not arr:
        raise ScoringError("the median of no values is not defined")
    return sorted(arr)[len(arr) // 2]


def metric_max_over_ground_truths(
    metric_fn: Callable[[Any, Any], Any], prediction: Any, ground_truths: Iterable[Any]
) -> Any:
    """Compare a prediction with each of several answers, and take the best value."""
    return max(metric_fn(prediction, truth) for truth in ground_truths)


def weighted_f1_score(items: Iterable[tuple[Any, Any]]) -> float:
    """Average the F1 scores of the labels, each weighted by how often it is right.

    F1 of a label is 2 TP / (2 TP + FP + FN), zero where the label was neither right
    nor given (van Rijsbergen 1979).

    Args:
        items: Pairs of the right label and the given one.

    Raises:
        ScoringError: There is no pair.

    >>> weighted_f1_score([("a", "a"), ("a", "b"), ("b", "b")])
    0.6666666666666666
    """
    pairs = [(gold, given) for gold, given in items]
    if not pairs:
        raise ScoringError("the F1 score of no answers is not defined")
    golds = Counter(gold for gold, _ in pairs)
    givens = Counter(given for _, given in pairs)
    hits = Counter(gold for gold, given in pairs if gold == given)
    total = sum(
        count * 2 * hits[label] / (count + givens[label])
        for label, count in golds.items()
    )
    return total / len(pairs)


def levenshtein_distance(s1: str, s2: str) -> int:
    """Count the insertions, deletions and replacements that make one text another.

    >>> levenshtein_distance("kitten", "sitting")
    3
    """
    previous = list(range(len(s2) + 1))
    for row, left in enumerate(s1, start=1):
        current = [row]
        for column, right in enumerate(s2, start=1):
            replaced = previous[column - 1] + (left != right)
            current.append(min(replaced, previous[column] + 1, current[-1] + 1))
        previous = current
    return previous[-1]


def anls(
    references: Iterable[str],
    predictions: Sequence[Any],
    thresh_hold: float = 0.5,
) -> dict[str, float]:
    """Compare an answer with several by edit distance (Biten et al. 2019).

    Args:
        references: The right answers; case and white space do not count.
        predictions: The given answer, in a list, or in a list of one.
        thresh_hold: A similarity below it counts as zero.

    Raises:
        ScoringError: There is no right answer.
    """
    first = predictions[0]
    given = first if isinstance(first, str) else first[0]
    distances = [_relative_distance(right, given) for right in references]
    if not distances:
        raise ScoringError("anls needs at least one right answer")
    similarity = 1 - min(distances)
    return {"anls": similarity if similarity >= thresh_hold else 0}


def _relative_distance(right: str, given: str) -> float:
    # The length is that of the texts as they are, as lmms-eval has it.
    length = max(len(right), len(given))
    if not length:
        return 0.0
    return levenshtein_distance(_plain(right), _plain(given)) / length


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
