"""How many values a percentile needs before it says anything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

_CONFIDENCE = 0.99


@lru_cache(maxsize=64)
def sample_floor(percent: float) -> int:
    """Find the fewest values that a percentile can be judged by.

    So many that in 99 cases of a hundred two of them or more lie above the percentile:
    the rule of MLPerf's early stopping with no tolerance. With fewer, what is largest
    among them may well lie below it.

    Args:
        percent: Above 0 and below 100.

    Raises:
        ValueError: ``percent`` is out of range.

    >>> [sample_floor(percent) for percent in (50, 90, 95, 99)]
    [11, 64, 130, 662]
    """
    above = _share_above(percent)
    low, high = 1, 2
    while _at_most(1, high, above) > 1 - _CONFIDENCE:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if _at_most(1, middle, above) > 1 - _CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def conservative_percentile(values: Sequence[float], percent: float) -> float | None:
    """Find a value that the true percentile exceeds in one case of a hundred at most.

    An upper bound by an order statistic: the k-th largest, with the largest k for which
    k or fewer values lie above the percentile in one case of a hundred at most. Of
    10,000 values that is the 77th for the 99th percentile, not the 100th.

    Args:
        values: In any order.
        percent: Above 0 and below 100.

    Returns:
        One of the values; None for fewer than ``sample_floor(percent)``.

    Raises:
        ValueError: ``percent`` is out of range.
    """
    if len(values) < sample_floor(percent):
        return None
    above = _share_above(percent)
    probability, allowed = 0.0, 1 - _CONFIDENCE
    rank = -1
    while probability <= allowed:
        rank += 1
        probability += _exactly(rank, len(values), above)
    return sorted(values, reverse=True)[rank - 2]


def _share_above(percent: float) -> float:
    if not 0 < percent < 100:  # noqa: PLR2004 - per cent
        raise ValueError(f"percent is above 0 and below 100, not {percent}")
    return 1 - percent / 100


def _at_most(count: int, trials: int, share: float) -> float:
    return math.fsum(_exactly(k, trials, share) for k in range(count + 1))


def _exactly(count: int, trials: int, share: float) -> float:
    """Tell how likely so many successes of independent trials are."""
    if count > trials:
        return 0.0
    ways = (
        math.lgamma(trials + 1)
        - math.lgamma(count + 1)
        - math.lgamma(trials - count + 1)
    )
    return math.exp(
        ways + count * math.log(share) + (trials - count) * math.log1p(-share)
    )
