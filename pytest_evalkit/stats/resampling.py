"""Intervals of figures without a formula: documents, or clusters of them, drawn anew."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from pytest_evalkit.stats.mean import mean
from pytest_evalkit.stats.student import normal_probability, normal_quantile


def sums_of_draws(columns: Any) -> Callable[[Any], Any]:
    """Make a function that adds up columns over documents drawn anew.

    Args:
        columns: An array with one row of numbers for each document or cluster.

    Returns:
        A function that takes an array of positions with one replicate in each row, and
        gives an array with the sums of the columns in each row.
    """
    import numpy as np

    numbers = np.asarray(columns, dtype=float)
    size = len(numbers)

    def sums(rows: Any) -> Any:
        # How often each is drawn, times what it has: one product for all columns.
        starts = np.arange(len(rows))[:, None] * size
        counts = np.bincount((rows + starts).ravel(), minlength=len(rows) * size)
        return counts.reshape(len(rows), size) @ numbers

    return sums


def percentile_interval(
    replicates: Sequence[float], *, level: float = 0.95
) -> tuple[float, float]:
    """Take the interval between two percentiles of bootstrap replicates.

    Efron and Tibshirani 1993, section 13.3. Percentiles lie between neighbouring
    replicates (Hyndman and Fan 1996, definition 7).

    Args:
        replicates: Figures of documents drawn anew; at least one.
        level: The coverage, between 0 and 1.

    >>> percentile_interval([0.0, 1.0, 2.0, 3.0, 4.0], level=0.5)
    (1.0, 3.0)
    """
    return _between(replicates, (1 - level) / 2, (1 + level) / 2)


def bca_interval(
    replicates: Sequence[float],
    value: float,
    without: Sequence[float],
    *,
    level: float = 0.95,
) -> tuple[float, float]:
    """Take an interval between percentiles that allow for bias and skewness.

    The bias-corrected and accelerated interval (Efron 1987; Efron and Tibshirani 1993,
    section 14.3). Replicates equal to the value count half below it, as figures of few
    documents have many ties.

    Args:
        replicates: Figures of documents drawn anew; at least one.
        value: The figure of the documents as they are.
        without: The figure with each document, or each cluster, left out in turn.
        level: The coverage, between 0 and 1.

    Returns:
        The interval; that of plain percentiles where every replicate is on one side of
        the value, so that the bias is not known.
    """
    import numpy as np

    drawn = np.asarray(replicates, dtype=float)
    share = float((drawn < value).mean() + (drawn == value).mean() / 2)
    if not 0 < share < 1:
        return percentile_interval(replicates, level=level)
    bias, acceleration = normal_quantile(share), _acceleration(without)

    def adjusted(probability: float) -> float:
        moved = bias + normal_quantile(probability)
        return normal_probability(bias + moved / (1 - acceleration * moved))

    return _between(replicates, adjusted((1 - level) / 2), adjusted((1 + level) / 2))


def jackknife_error(without: Sequence[float]) -> float | None:
    """Estimate a standard error from figures with one group left out in turn.

    Efron and Tibshirani 1993, equation 11.5. It fits figures that change smoothly with
    their documents; of a median it is wrong.

    Args:
        without: The figure without each group; the groups are of like size.

    Returns:
        The standard error; None of fewer than two groups.

    >>> jackknife_error([2.5, 2.0, 1.5])
    0.5773502691896257
    """
    count = len(without)
    if count < len(("one", "another")):
        return None
    centre = mean(without)
    squares = sum([(value - centre) ** 2 for value in without])
    return math.sqrt(squares * (count - 1) / count)


def _acceleration(without: Sequence[float]) -> float:
    """Tell how skewed the influence of documents is; 0 where none has any."""
    centre = mean(without)
    squares = math.fsum((centre - value) ** 2 for value in without)
    if squares == 0:
        return 0.0
    cubes = math.fsum((centre - value) ** 3 for value in without)
    return float(cubes / (6 * squares**1.5))


def _between(
    replicates: Sequence[float], low: float, high: float
) -> tuple[float, float]:
    import numpy as np

    ends = np.quantile(np.asarray(replicates, dtype=float), [low, high])
    return float(ends[0]), float(ends[1])
