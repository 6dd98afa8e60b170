"""Aggregations that follow from sums over documents, as a ratio of two does.

Documents drawn anew then need no second look: their numbers are added up as often as
each was drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pytest_evalkit.scoring.yes_no_figures import yes_columns


class SumFigure(NamedTuple):
    """How an aggregation follows from sums.

    Attributes:
        columns: Given the values, makes an array with one row of numbers for each.
        figure: Given an array of sums of the columns, one replicate in each row, tells
            the aggregate of each.
    """

    columns: Callable[[Sequence[Any]], Any]
    figure: Callable[[Any], Any]


def _told(values: Sequence[Any]) -> Any:
    import numpy as np

    numbers = np.array([math.nan if v is None else v for v in values], dtype=float)
    is_told = ~np.isnan(numbers)
    return np.stack([np.where(is_told, numbers, 0.0), is_told], axis=1)


def _counted(values: Sequence[Any]) -> Any:
    import numpy as np

    return np.stack([np.array(values, dtype=float), np.ones(len(values))], axis=1)


def _pairs(values: Sequence[Any]) -> Any:
    import numpy as np

    return np.array(values, dtype=float)


def _positives(values: Sequence[Any]) -> Any:
    import numpy as np

    golds = np.array([gold == 1 for gold, _ in values])
    answers = np.array([answer == 1 for _, answer in values])
    return np.stack([golds & answers, golds.astype(int) + answers], axis=1)


def _yes(values: Sequence[Any]) -> Any:
    """Give of each document: yes by both, yes as the right answer, yes said, one."""
    import numpy as np

    right, said = np.array(yes_columns(values), dtype=float)
    return np.stack([right * said, right, said, np.ones(len(values))], axis=1)


def _indicators(values: Sequence[Any]) -> Any:
    """Give of each document: one, whether it is right, its label, what was said."""
    import numpy as np

    labels = {label: i for i, label in enumerate(dict.fromkeys(_labels(values)))}
    golds = np.eye(len(labels))[[labels[gold] for gold, _ in values]]
    answers = np.eye(len(labels))[[labels[answer] for _, answer in values]]
    is_right = (golds * answers).sum(axis=1, keepdims=True)
    return np.hstack([np.ones_like(is_right), is_right, golds, answers])


def _labels(values: Sequence[Any]) -> list[Any]:
    return [label for labels in values for label in labels]


def _ratio(top: Any, below: Any) -> Any:
    """Divide; where there is nothing to divide by, what comes out is no number."""
    import numpy as np

    with np.errstate(invalid="ignore", divide="ignore"):
        return top / below


def _share(top: Any, below: Any) -> Any:
    """Divide counts; of nothing, the share is 0."""
    import numpy as np

    return top / np.maximum(below, 1)


def _correlation(sums: Any) -> Any:
    """Correlate in the terms of Gorodkin 2004: covariances of the two indicators."""
    import numpy as np

    size, right, rest = sums[:, 0], sums[:, 1], sums[:, 2:]
    gold, answer = np.split(rest, 2, axis=1)
    together = right * size - (gold * answer).sum(axis=1)
    of_gold = size**2 - (gold**2).sum(axis=1)
    of_answer = size**2 - (answer**2).sum(axis=1)
    product = of_gold * of_answer
    return np.where(product > 0, together / np.sqrt(np.maximum(product, 1)), 0.0)


def _perplexity(sums: Any) -> Any:
    import numpy as np

    with np.errstate(over="ignore"):
        return np.exp(-_ratio(sums[:, 0], sums[:, 1]))


SUM_FIGURES: Mapping[str, SumFigure] = {
    "bits_per_byte": SumFigure(
        _pairs, lambda sums: -_ratio(sums[:, 0], sums[:, 1]) / math.log(2)
    ),
    "error_rate": SumFigure(_pairs, lambda sums: 100 * _ratio(sums[:, 0], sums[:, 1])),
    "f1": SumFigure(_positives, lambda sums: 2 * _share(sums[:, 0], sums[:, 1])),
    "matthews_corrcoef": SumFigure(_indicators, _correlation),
    "nanmean": SumFigure(_told, lambda sums: _ratio(sums[:, 0], sums[:, 1])),
    "perplexity": SumFigure(_counted, _perplexity),
    "weighted_perplexity": SumFigure(_pairs, _perplexity),
    "yes_f1": SumFigure(
        _yes, lambda sums: 2 * _share(sums[:, 0], sums[:, 1] + sums[:, 2])
    ),
    "yes_precision": SumFigure(_yes, lambda sums: _share(sums[:, 0], sums[:, 2])),
    "yes_ratio": SumFigure(_yes, lambda sums: sums[:, 2] / sums[:, 3]),
    "yes_recall": SumFigure(_yes, lambda sums: _share(sums[:, 0], sums[:, 1])),
}
