"""How much better a second run is at the same documents, and how sure that is."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.scoring.drawing import drawn_figure
from pytest_evalkit.scoring.intervals import (
    MEANS_OF_DOCUMENTS,
    draws_of_sums,
    numbers_of,
)
from pytest_evalkit.scoring.plan import MetricSpec
from pytest_evalkit.scoring.redrawing import Redrawn, UnfitError, redraw_pairs
from pytest_evalkit.scoring.spread import (
    BOOTSTRAP_ITERATIONS,
    MOST_OF_CORPUS,
    OF_CORPUS,
    averaged,
    name_of,
)
from pytest_evalkit.scoring.sums import SUM_FIGURES
from pytest_evalkit.stats import (
    Difference,
    clustered_mean,
    jackknife_error,
    mcnemar_mid_p,
    paired_proportions_interval,
    paired_t,
    replicates,
    sample_deviation,
    t_difference,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """How much a second run's aggregate is above the first's.

    Attributes:
        difference: With its error, 95 % interval and p value, where they are known.
        method: How they came about; ``none: `` and the reason where they did not.
        clusters: How many clusters documents form; None where they stand alone.
    """

    difference: Difference
    method: str
    clusters: int | None = None


def paired_difference(
    metric: MetricSpec,
    runs: tuple[Sequence[Any], Sequence[Any]],
    values: tuple[float, float],
    clusters: Sequence[Hashable],
) -> PairedDifference:
    """Compare two runs at the same documents.

    Of right and wrong, p is McNemar's, mid-p; of other means that of the paired t test;
    in clusters, that of the clustered mean difference. Of other aggregations both runs
    are drawn anew at the same documents, whole clusters at a time, and p is that of t.

    Args:
        metric: The metric; only its aggregation counts.
        runs: The metric's values of both runs, document by document.
        values: What the aggregation makes of each.
        clusters: What each document shares with others; documents that stand alone
            share what nobody else has.
    """
    gap = values[1] - values[0]
    if len(runs[0]) < len(("one", "another")):
        return _none(gap, "one document does not tell how documents differ")
    name = name_of(metric.aggregation)
    if name in MEANS_OF_DOCUMENTS:
        first, second = (numbers_of(name, run) for run in runs)
        return _of_means(gap, first, second, clusters)
    units = [averaged(metric.aggregation, run, is_strict=False) for run in runs]
    if units[0] is not None and units[1] is not None and len(units[0]) == len(units[1]):
        return _of_means(gap, units[0], units[1], range(len(units[0])))
    if list(runs[0]) == list(runs[1]):
        return _none(0.0, "the values of both runs are equal")
    try:
        redrawn = _redrawn(metric, name, runs, clusters)
    except UnfitError as error:
        return _none(gap, str(error))
    return _of_draws(gap, redrawn, is_shared=redrawn.clusters < len(runs[0]))


def _none(gap: float, reason: str) -> PairedDifference:
    p_value = 1.0 if gap == 0 else None
    return PairedDifference(
        difference=Difference(gap, None, None, p_value), method=f"none: {reason}"
    )


def _of_means(
    gap: float,
    first: Sequence[float],
    second: Sequence[float],
    clusters: Sequence[Hashable],
) -> PairedDifference:
    each = [other - one for one, other in zip(first, second, strict=True)]
    if len(set(clusters)) < len(each):
        found = clustered_mean(each, clusters)
        if found is None:
            return _none(gap, "one cluster does not tell how clusters differ")
        return PairedDifference(
            difference=t_difference(gap, found.stderr, found.freedom),
            method="clustered t",
            clusters=found.clusters,
        )
    difference = paired_t(each)._replace(value=gap)
    if any(value not in (0.0, 1.0) for value in (*first, *second)):
        return PairedDifference(difference=difference, method="paired t")
    gained, lost = each.count(1.0), each.count(-1.0)
    return PairedDifference(
        difference=Difference(
            gap,
            difference.stderr,
            paired_proportions_interval(gained, lost, len(each)),
            mcnemar_mid_p(gained, lost),
        ),
        method="mcnemar mid-p",
    )


def _redrawn(
    metric: MetricSpec,
    name: str,
    runs: tuple[Sequence[Any], Sequence[Any]],
    clusters: Sequence[Hashable],
) -> Redrawn:
    is_alone = len(set(clusters)) == len(runs[0])
    if not (
        name in SUM_FIGURES or name in OF_CORPUS or (name == "median" and is_alone)
    ):
        return redraw_pairs(metric.aggregation, runs, clusters, BOOTSTRAP_ITERATIONS)
    first, second = (drawn_figure(name, run, clusters) for run in runs)
    if first.size < len(("one", "another")):
        raise UnfitError("one cluster does not tell how clusters differ")

    def gaps(rows: Any) -> Any:
        ends = zip(first.of_rows(rows), second.of_rows(rows), strict=True)
        return [other - one for one, other in ends]

    if name in SUM_FIGURES:
        iterations = draws_of_sums(first.size)
    else:
        iterations = MOST_OF_CORPUS if name in OF_CORPUS else BOOTSTRAP_ITERATIONS
    figures = replicates(gaps, first.size, iterations)
    if not figures:
        raise UnfitError("of some documents the aggregate has no value")
    return Redrawn(figures=figures, without=(), clusters=first.size)


def _of_draws(gap: float, redrawn: Redrawn, *, is_shared: bool) -> PairedDifference:
    clusters = redrawn.clusters if is_shared else None
    if not redrawn.figures:
        stderr, method = jackknife_error(redrawn.without), "paired jackknife"
        freedom = len(redrawn.without) - 1
    else:
        stderr, method = sample_deviation(redrawn.figures), "paired bootstrap"
        freedom = redrawn.clusters - max(1, redrawn.strata)
        if redrawn.strata:
            method = "paired stratified bootstrap"
    if not stderr:
        return _none(gap, "the difference is the same whatever the documents")
    # One error for interval and p value, so that they never contradict each other.
    difference = t_difference(gap, stderr, freedom)
    return PairedDifference(difference=difference, method=method, clusters=clusters)
