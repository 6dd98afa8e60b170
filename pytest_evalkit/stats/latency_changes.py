"""By how much times of requests differ between two runs, and how surely."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pytest_evalkit.stats.bootstrap import draws
from pytest_evalkit.stats.mean import mean, sample_deviation
from pytest_evalkit.stats.paired import Difference
from pytest_evalkit.stats.percentile import percentile
from pytest_evalkit.stats.resampling import percentile_interval

REPLICATES = 2000
"""How often documents are drawn anew."""

# Of many requests a thousand draws tell the ends of an interval as well as they need be.
_MANY = 20_000
_FEWER_REPLICATES = 1000
# Numbers held in memory at once.
_BLOCK = 4_000_000
_TWO = len(("one", "another"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteredTimes:
    """Times of the requests of a run, and what they belong to.

    Attributes:
        values: The times, in any unit; at least one.
        clusters: The cluster of each, a document or a conversation: numbers from zero,
            in the order of the values.
        count: How many clusters there are; some may have no time.
    """

    values: Sequence[float]
    clusters: Sequence[int]
    count: int


class TimeChange(NamedTuple):
    """One figure of the times of two runs.

    Attributes:
        values: The figure in the first run and in the second.
        difference: The second less the first.
        share: The interval of the difference as a share of the first figure; None where
            that is not known.
    """

    values: tuple[float, float]
    difference: Difference
    share: tuple[float, float] | None


def time_changes(
    before: ClusteredTimes,
    after: ClusteredTimes,
    percents: Sequence[int],
    *,
    is_paired: bool,
    level: float = 0.95,
) -> list[TimeChange]:
    """Compare the mean and percentiles of the times of two runs.

    The bootstrap of whole clusters (Davison and Hinkley 1997, section 3.8, "strategy
    1"): clusters are drawn with replacement, with all their requests, and the figures
    are taken anew. Where both runs asked the same documents, both are drawn at the same
    ones, since what makes an answer long is common to both; otherwise each run is drawn
    by itself. The interval is that of percentiles (Efron and Tibshirani 1993, section
    13.3). p is how often the difference is drawn on the rarer side of zero, twice, the
    difference itself counted in: (1 + k) / (1 + R) for k of R draws (Davison and
    Hinkley 1997, equation 4.11). Percentiles are those of the nearest rank.

    Args:
        before: Times of the first run.
        after: Times of the second.
        percents: Which percentiles, from 1 to 100.
        is_paired: Whether cluster numbers mean the same documents in both.
        level: Coverage of the intervals, between 0 and 1.

    Returns:
        The change of the mean, then of each percentile; without error, interval and p
        value where there are fewer than two clusters, or draws without any time.

    Raises:
        ValueError: A run has no times, or pairs are not of as many clusters.
    """
    if is_paired and before.count != after.count:
        raise ValueError(f"{before.count} clusters have {after.count} partners")
    values = [_figures(one.values, percents) for one in (before, after)]
    drawn = None
    if min(before.count, after.count) >= _TWO:
        drawn = _both_drawn(before, after, percents, is_paired=is_paired)
    if drawn is None:
        return [
            TimeChange((first, second), _untested(second - first), None)
            for first, second in zip(*values, strict=True)
        ]
    return [
        _change((first, second), drawn[0][:, place], drawn[1][:, place], level)
        for place, (first, second) in enumerate(zip(*values, strict=True))
    ]


def _figures(values: Sequence[float], percents: Sequence[int]) -> list[float]:
    if not values:
        raise ValueError("times are compared of two runs that have some")
    return [mean(values), *(percentile(values, percent) for percent in percents)]


def _untested(difference: float) -> Difference:
    return Difference(difference, None, None, 1.0 if difference == 0 else None)


def _change(
    values: tuple[float, float], before: Any, after: Any, level: float
) -> TimeChange:
    differences = after - before
    count = len(differences)
    rarer = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    share = None
    if (before > 0).all():
        share = percentile_interval(differences / before, level=level)
    difference = Difference(
        values[1] - values[0],
        sample_deviation(differences.tolist()),
        percentile_interval(differences, level=level),
        min(1.0, 2 * (1 + rarer) / (1 + count)),
    )
    return TimeChange(values, difference, share)


def _both_drawn(
    before: ClusteredTimes,
    after: ClusteredTimes,
    percents: Sequence[int],
    *,
    is_paired: bool,
) -> tuple[Any, Any] | None:
    """Tell the figures of both runs draw by draw; None where one is not defined."""
    import numpy as np

    is_many = max(len(before.values), len(after.values)) > _MANY
    count = _FEWER_REPLICATES if is_many else REPLICATES
    drawn = [
        np.concatenate(list(_drawn(times, percents, count, stream=stream)))
        for times, stream in ((before, 0), (after, 0 if is_paired else 1))
    ]
    if not all(np.isfinite(each).all() for each in drawn):
        return None
    return drawn[0], drawn[1]


def _drawn(
    times: ClusteredTimes, percents: Sequence[int], count: int, *, stream: int
) -> Iterator[Any]:
    """Take the figures of clusters drawn anew: a row for each draw."""
    import numpy as np

    values = np.asarray(times.values, dtype=float)
    order = np.argsort(values, kind="stable")
    ordered, owners = values[order], np.asarray(times.clusters)[order]
    for rows in draws(times.count, count, stream=stream):
        most = max(1, _BLOCK // max(len(ordered), times.count))
        for start in range(0, len(rows), most):
            chosen = rows[start : start + most]
            starts = np.arange(len(chosen))[:, None] * times.count
            often = np.bincount(
                (chosen + starts).ravel(), minlength=len(chosen) * times.count
            ).reshape(len(chosen), times.count)
            yield _of_weights(ordered, often[:, owners], percents)


def _of_weights(ordered: Any, weights: Any, percents: Sequence[int]) -> Any:
    """Take mean and percentiles of times in order, each counted so many times."""
    import numpy as np

    reached = weights.cumsum(axis=1)
    totals = reached[:, -1]
    figures = np.full((len(weights), 1 + len(percents)), math.nan)
    told = totals > 0
    figures[told, 0] = (weights[told] @ ordered) / totals[told]
    for column, percent in enumerate(percents, 1):
        # Whole numbers, as ``percentile`` has them.
        ranks = -(-percent * totals // 100)
        for row in np.flatnonzero(told):
            figures[row, column] = ordered[np.searchsorted(reached[row], ranks[row])]
    return figures
