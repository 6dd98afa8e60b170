"""Proportions: intervals that stay honest near 0 and 1."""

from __future__ import annotations

import math

from pytest_evalkit.stats.clusters import ClusteredMean
from pytest_evalkit.stats.student import normal_quantile, t_quantile


def wilson_interval(
    proportion: float, size: float, *, level: float = 0.95
) -> tuple[float, float]:
    """Interval of a proportion, by Wilson's score.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    Unlike the normal interval it is not empty where all are right or all wrong, and
    stays between 0 and 1; its coverage is near its level also for few documents (Brown,
    Cai and DasGupta 2001).

    Args:
        proportion: The share, from 0 to 1.
        size: Of how many; above 0, not necessarily whole.
        level: The coverage, between 0 and 1.

    Raises:
        ValueError: The proportion or the size is out of range.

    >>> [round(end, 4) for end in wilson_interval(1.0, 10)]
    [0.7225, 1.0]
    """
    return _score_interval(proportion, size, normal_quantile((1 + level) / 2))


def clustered_wilson_interval(
    mean: ClusteredMean, size: int, *, level: float = 0.95
) -> tuple[float, float]:
    """Interval of a proportion where documents go together in clusters.

    Wilson's, of as many independent documents as would have the same standard error,
    and with a t quantile for the few clusters (Korn and Graubard 1998; Dean and Pagano
    2015 compare such intervals). Where all are right, or all wrong, nothing tells how
    much documents of a cluster go together: each cluster then counts as one document.

    Args:
        mean: The proportion with its clustered error.
        size: How many documents there are.
        level: The coverage, between 0 and 1.
    """
    spread = mean.value * (1 - mean.value)
    effective = spread / mean.stderr**2 if mean.stderr and spread else mean.clusters
    quantile = t_quantile((1 + level) / 2, mean.freedom)
    return _score_interval(mean.value, min(effective, size), quantile)


def _score_interval(
    proportion: float, size: float, quantile: float
) -> tuple[float, float]:
    if not 0 <= proportion <= 1:
        raise ValueError(f"a proportion is from 0 to 1, not {proportion}")
    if not size > 0:
        raise ValueError(f"a proportion is of more than {size} documents")
    square = quantile**2
    centre = (proportion + square / (2 * size)) / (1 + square / size)
    half = quantile * math.sqrt(
        proportion * (1 - proportion) / size + square / (4 * size**2)
    )
    half /= 1 + square / size
    # The ends are 0 and 1 exactly there; rounding may miss them by a last digit.
    low = 0.0 if proportion == 0 else max(0.0, centre - half)
    return low, 1.0 if proportion == 1 else min(1.0, centre + half)
