"""The interval that fits an aggregation, its documents and what they share."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from numbers import Real
from typing import Any

from pytest_evalkit.scoring.drawing import drawn_figure
from pytest_evalkit.scoring.labels import brier_score
from pytest_evalkit.scoring.plan import MetricSpec
from pytest_evalkit.scoring.redrawing import Redrawn, UnfitError, redraw
from pytest_evalkit.scoring.spread import (
    BOOTSTRAP_ITERATIONS,
    MOST_OF_CORPUS,
    OF_CORPUS,
    averaged,
    name_of,
)
from pytest_evalkit.scoring.sums import SUM_FIGURES
from pytest_evalkit.stats import (
    ClusteredMean,
    bca_interval,
    clustered_mean,
    clustered_wilson_interval,
    jackknife_error,
    mean,
    percentile_interval,
    replicates,
    sample_deviation,
    standard_error,
    t_interval,
    wilson_interval,
)

# With fewer draws, percentiles are too coarse, and only their deviation is used.
_FEWEST_FOR_PERCENTILES = 500
# Documents that are drawn for an interval of sums, which takes half a second: a
# thousand times all of 10,000, ten thousand times where there are fewer.
_MOST_DRAWN = 10_000_000
_MOST_THOUSANDS = 10
# Where so small a share of draws is on one side of the value, they say little of it.
_RARE = 0.01
_SAME = "the aggregate is the same whatever the documents"
# Makes the interval of a coverage between 0 and 1.
_Interval = Callable[[float], tuple[float, float]]
# Aggregations that average one number of each document.
MEANS_OF_DOCUMENTS = frozenset({"mean", "brier_score"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How sure an aggregate is.

    Attributes:
        method: How the interval was made, such as ``wilson``; ``none: `` and the reason
            where there is none.
        stderr: The standard error that belongs to it, or None.
        at: Makes the interval of a coverage between 0 and 1; None where there is none.
        clusters: How many clusters there are; None where documents stand alone.
        replicates: How often documents were drawn anew; None where they were not.
    """

    method: str
    stderr: float | None = None
    at: _Interval | None = field(default=None, compare=False)
    clusters: int | None = None
    replicates: int | None = None

    @property
    def ci95(self) -> tuple[float, float] | None:
        """The 95 % interval, or None."""
        return None if self.at is None else self.at(0.95)


def spread_of(
    metric: MetricSpec,
    values: Sequence[Any],
    value: float,
    clusters: Sequence[Hashable],
    *,
    iterations: int = BOOTSTRAP_ITERATIONS,
    compat: str = "fixed",
) -> Spread:
    """Tell how sure an aggregate is.

    Args:
        metric: The metric.
        values: Its values, in document order.
        value: What the metric's aggregation makes of them.
        clusters: What each document shares with others; documents that stand alone
            share what nobody else has.
        iterations: Draws of documents where there is no formula; at least 1.
        compat: As in ``standard_error_of``.
    """
    if len(values) < len(("one", "another")):
        return _none("one document does not tell how documents differ")
    name = name_of(metric.aggregation)
    units = averaged(metric.aggregation, values, is_strict=compat == "strict")
    if name in MEANS_OF_DOCUMENTS:
        return _of_mean(numbers_of(name, values), clusters)
    if units is not None:
        return _of_mean(units, range(len(units)))
    if name in SUM_FIGURES:
        return _of_sums(name, values, value, clusters)
    return _of_others(metric, values, value, clusters, iterations)


def numbers_of(name: str, values: Sequence[Any]) -> Sequence[Any]:
    """Give the numbers, one for each document, that are averaged.

    Args:
        name: One of ``MEANS_OF_DOCUMENTS``.
        values: The values, in document order.
    """
    if name == "brier_score":
        return [brier_score([value]) for value in values]
    return values


def _of_others(
    metric: MetricSpec,
    values: Sequence[Any],
    value: float,
    clusters: Sequence[Hashable],
    iterations: int,
) -> Spread:
    name = name_of(metric.aggregation)
    if name == "bypass":
        return _none("the metric is not scored")
    if name in OF_CORPUS:
        most = min(iterations, MOST_OF_CORPUS)
        return _of_rows(name, values, value, clusters, most)
    if name == "median" and not _are_shared(clusters):
        return _of_rows(name, values, value, clusters, iterations)
    try:
        redrawn = redraw(metric.aggregation, values, clusters, iterations)
    except UnfitError as error:
        return _none(str(error))
    return _of_draws(value, redrawn, is_shared=redrawn.clusters < len(values))


def _none(reason: str, **known: Any) -> Spread:
    return Spread(method=f"none: {reason}", **known)


def _are_shared(clusters: Sequence[Hashable]) -> bool:
    return len(set(clusters)) < len(clusters)


def _of_mean(values: Sequence[Any], clusters: Sequence[Hashable]) -> Spread:
    """Bound a mean: a proportion by Wilson's score, any other by Student's t."""
    if not all(isinstance(value, Real) for value in values):
        return _none("values are no numbers")
    numbers = [float(value) for value in values]
    if len(numbers) < len(("one", "another")):
        return _none("one group of documents does not tell how groups differ")
    is_share = all(number in (0.0, 1.0) for number in numbers)
    if _are_shared(clusters):
        return _of_clusters(numbers, clusters, is_share=is_share)
    stderr = standard_error(numbers)
    assert stderr is not None
    centre, size = mean(numbers), len(numbers)
    if is_share:
        return Spread(
            method="wilson",
            stderr=stderr,
            at=lambda level: wilson_interval(centre, size, level=level),
        )
    if stderr == 0:
        return _none("all values are equal", stderr=0.0)
    return Spread(method="t", stderr=stderr, at=_by_t(centre, stderr, size - 1))


def _of_clusters(
    numbers: Sequence[float], clusters: Sequence[Hashable], *, is_share: bool
) -> Spread:
    found = clustered_mean(numbers, clusters)
    if found is None:
        return _none("one cluster does not tell how clusters differ", clusters=1)
    at: _Interval
    if is_share:
        at = partial(_clustered_share, found, len(numbers))
        method = "clustered wilson"
    elif found.stderr == 0:
        return _none("all clusters are equal", stderr=0.0, clusters=found.clusters)
    else:
        at = _by_t(found.value, found.stderr, found.freedom)
        method = "clustered t"
    return Spread(method=method, stderr=found.stderr, at=at, clusters=found.clusters)


def _clustered_share(
    found: ClusteredMean, size: int, level: float
) -> tuple[float, float]:
    return clustered_wilson_interval(found, size, level=level)


def _by_t(value: float, stderr: float, freedom: float) -> _Interval:
    return lambda level: t_interval(value, stderr, freedom, level=level)


def _of_sums(
    name: str, values: Sequence[Any], value: float, clusters: Sequence[Hashable]
) -> Spread:
    """Bound what follows from sums, by BCa; each cluster's sums are drawn as one."""
    import numpy as np

    drawn = drawn_figure(name, values, clusters)
    if drawn.size < len(("one", "another")):
        return _none("one cluster does not tell how clusters differ", clusters=1)
    figures = replicates(drawn.of_rows, drawn.size, draws_of_sums(drawn.size))
    if not figures or not np.isfinite(drawn.without).all():
        return _none("of some documents the aggregate has no value")
    redrawn = Redrawn(figures=figures, without=drawn.without, clusters=drawn.size)
    return _of_draws(value, redrawn, is_shared=_are_shared(clusters))


def draws_of_sums(size: int) -> int:
    """Tell how often documents are drawn for a figure of sums, in whole thousands."""
    return 1000 * min(_MOST_THOUSANDS, max(1, _MOST_DRAWN // size // 1000))


def _of_rows(
    name: str,
    values: Sequence[Any],
    value: float,
    clusters: Sequence[Hashable],
    iterations: int,
) -> Spread:
    """Bound what is told of positions, without leaving any out in turn."""
    drawn = drawn_figure(name, values, clusters)
    if drawn.size < len(("one", "another")):
        return _none("one cluster does not tell how clusters differ", clusters=1)
    figures = replicates(drawn.of_rows, drawn.size, iterations)
    if not figures:
        return _none("of some documents the aggregate has no value")
    redrawn = Redrawn(figures=figures, without=(), clusters=drawn.size)
    return _of_draws(value, redrawn, is_shared=_are_shared(clusters))


def _of_draws(value: float, redrawn: Redrawn, *, is_shared: bool) -> Spread:
    """Make an interval of what was drawn: the best that there is enough of."""
    figures, without = redrawn.figures, redrawn.without
    clusters = redrawn.clusters if is_shared else None
    if not figures or (without and _is_apart(figures, value)):
        return _of_jackknife(value, redrawn, clusters)
    stderr = sample_deviation(figures)
    if not stderr:
        return _none(_SAME, stderr=stderr, clusters=clusters)
    at: _Interval
    if len(figures) < _FEWEST_FOR_PERCENTILES:
        freedom = redrawn.clusters - max(1, redrawn.strata)
        method, at = "bootstrap t", _by_t(value, stderr, freedom)
    else:
        method = "bootstrap bca" if without else "bootstrap percentile"
        at = partial(_between_percentiles, figures, value, without)
    return Spread(
        method=f"stratified {method}" if redrawn.strata else method,
        stderr=stderr,
        at=at,
        clusters=clusters,
        replicates=len(figures),
    )


def _between_percentiles(
    figures: Sequence[float], value: float, without: Sequence[float], level: float
) -> tuple[float, float]:
    """Take percentiles of what was drawn, corrected where it is told how skewed it is."""
    if without:
        return bca_interval(figures, value, without, level=level)
    return percentile_interval(figures, level=level)


def _is_apart(figures: Sequence[float], value: float) -> bool:
    """Tell whether draws say little of the value, as nearly all are on one side.

    So it is where an aggregate adds up categories of one document each: those drawn
    anew lack some of them.
    """
    below = sum([figure < value for figure in figures])
    above = sum([figure > value for figure in figures])
    is_one_sided = min(below, above) < _RARE * len(figures)
    return is_one_sided and max(below, above) > (1 - 2 * _RARE) * len(figures)


def _of_jackknife(value: float, redrawn: Redrawn, clusters: int | None) -> Spread:
    stderr = jackknife_error(redrawn.without)
    if not stderr:
        return _none(_SAME, stderr=stderr, clusters=clusters)
    at = _by_t(value, stderr, len(redrawn.without) - 1)
    return Spread(method="jackknife", stderr=stderr, at=at, clusters=clusters)
