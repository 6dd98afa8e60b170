"""How sure an aggregate is: what is added to its row."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

from pytest_evalkit.results.schema import AggregateDict
from pytest_evalkit.scoring import MetricSpec, ScoringPlan, standard_error_of
from pytest_evalkit.stats import clustered_standard_error, interval95, standard_error


def add_spread(
    row: AggregateDict,
    metric: MetricSpec,
    values: Sequence[Any],
    clusters: Sequence[str | None],
    plan: ScoringPlan,
    iterations: int,
) -> None:
    """Add standard errors and the interval to a row that has a value.

    Where the metric is a mean and documents depend on each other, the interval is that
    of clustered documents.

    Args:
        row: The row.
        metric: Its metric.
        values: The metric's values, in document order.
        clusters: What each document shares with others, or None.
        plan: How the task scores.
        iterations: Replicates for errors that have no formula; 0 for no errors.
    """
    value = row["value"]
    if value is None or iterations < 1:
        return
    row["stderr"] = standard_error_of(
        metric, values, iterations=iterations, compat=plan.compat
    )
    numbers = _numbers(plan, values, clusters)
    clustered = _clustered(numbers)
    if clustered is not None:
        row["stderr_clustered"] = clustered
    if plan.dialect == "lmms" and row["stderr"] is None:
        plain = standard_error(numbers.values)
        if plain is not None:
            row["stderr_clt"] = plain
    is_mean = metric.aggregation_name == "mean"
    error = clustered if clustered is not None and is_mean else row["stderr"]
    if error is not None:
        row["ci95"] = interval95(value, error)


class _Numbers(NamedTuple):
    """Numbers that values are or hold, and what the document of each shares."""

    values: list[float]
    clusters: list[Hashable]


def _numbers(
    plan: ScoringPlan, values: Sequence[Any], clusters: Sequence[str | None]
) -> _Numbers:
    """Read the number in each value; values without one are left out."""
    numbers = _Numbers([], [])
    for position, (value, shared) in enumerate(zip(values, clusters, strict=True)):
        number, cluster = value, shared
        if isinstance(value, Mapping):
            number = value.get(plan.score_key)
            own = value.get(plan.cluster_key) if plan.cluster_key else None
            cluster = shared if own is None else str(own)
        if isinstance(number, Real) and math.isfinite(number):
            numbers.values.append(float(number))
            numbers.clusters.append(_cluster(plan, cluster, position))
    return numbers


def _cluster(plan: ScoringPlan, shared: str | None, position: int) -> Hashable:
    """Let documents that share nothing stand alone; together in the reference."""
    if shared is None and plan.compat != "strict":
        return position
    return shared


def _clustered(numbers: _Numbers) -> float | None:
    """Tell the error of clustered values; None where there are not two clusters."""
    shared = {cluster for cluster in numbers.clusters if isinstance(cluster, str)}
    if not shared or len(set(numbers.clusters)) < len(("one", "another")):
        return None
    return clustered_standard_error(numbers.values, numbers.clusters)
