"""How sure an aggregate is: what is added to its row."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any, NamedTuple

from pytest_evalkit.results.schema import AggregateDict
from pytest_evalkit.scoring import (
    BOOTSTRAP_ITERATIONS,
    MetricSpec,
    ScoringPlan,
    Spread,
    spread_of,
    standard_error_of,
)
from pytest_evalkit.stats import clustered_standard_error, standard_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """How sure aggregates are told to be.

    Attributes:
        iterations: Replicates for errors that have no formula; 0 for no errors.
        levels: Of what intervals beside those of 95 %, between 0 and 1.
    """

    iterations: int = BOOTSTRAP_ITERATIONS
    levels: Collection[float] = ()


def add_spread(
    row: AggregateDict,
    metric: MetricSpec,
    values: Sequence[Any],
    clusters: Sequence[str | None],
    plan: ScoringPlan,
    drawing: Drawing,
) -> None:
    """Add standard errors and the interval to a row that has a value.

    Where documents depend on each other, the interval is that of clustered documents.

    Args:
        row: The row.
        metric: Its metric.
        values: The metric's values, in document order.
        clusters: What each document shares with others, or None.
        plan: How the task scores.
        drawing: How often documents are drawn anew, and which intervals to tell.
    """
    value = row["value"]
    if value is None:
        return
    iterations = drawing.iterations
    if iterations < 1:
        row["method"] = "none: no errors were asked for"
        return
    is_strict = plan.compat == "strict"
    row["stderr"] = standard_error_of(
        metric, values, iterations=iterations, compat=plan.compat
    )
    if plan.dialect == "lmms" and row["stderr"] is None:
        plain = standard_error(_numbers(plan, values, clusters).values)
        if plain is not None:
            row["stderr_clt"] = plain
    shared = _shared(plan, values, clusters)
    spread = spread_of(
        metric, values, value, shared, iterations=iterations, compat=plan.compat
    )
    _add_interval(row, spread, drawing.levels)
    if is_strict:
        row.pop("stderr_clustered", None)
        if plan.cluster_key:
            clustered = _clustered(_numbers(plan, values, clusters))
            if clustered is not None:
                row["stderr_clustered"] = clustered
    elif row["stderr"] is None:
        row["stderr"] = spread.stderr


def _add_interval(row: AggregateDict, spread: Spread, levels: Iterable[float]) -> None:
    row["ci95"] = spread.ci95
    if spread.at is not None:
        intervals = {f"{level:.12g}": spread.at(level) for level in levels}
        if intervals:
            row["intervals"] = intervals
    row["method"] = spread.method
    if spread.clusters is not None:
        row["clusters"] = spread.clusters
        if spread.stderr is not None:
            row["stderr_clustered"] = spread.stderr
    if spread.replicates is not None:
        row["replicates"] = spread.replicates


def _shared(
    plan: ScoringPlan, values: Sequence[Any], clusters: Sequence[str | None]
) -> list[Hashable]:
    """Tell what each document shares; of one that stands alone, its position."""
    owns: Iterable[str | None] = clusters
    if plan.cluster_key:
        owns = map(partial(_own_cluster, plan), values, clusters)
    return [position if own is None else own for position, own in enumerate(owns)]


def _own_cluster(plan: ScoringPlan, value: Any, cluster: str | None) -> str | None:
    """Read what a document shares: a field of its value, else a column."""
    if plan.cluster_key and isinstance(value, Mapping):
        own = value.get(plan.cluster_key)
        return cluster if own is None else str(own)
    return cluster


class _Numbers(NamedTuple):
    """Numbers that values are or hold, and what the document of each shares."""

    values: list[float]
    clusters: list[str | None]


def _numbers(
    plan: ScoringPlan, values: Sequence[Any], clusters: Sequence[str | None]
) -> _Numbers:
    """Read the number in each value; values without one are left out."""
    numbers = _Numbers([], [])
    for value, cluster in zip(values, clusters, strict=True):
        number = value.get(plan.score_key) if isinstance(value, Mapping) else value
        if isinstance(number, Real) and math.isfinite(number):
            numbers.values.append(float(number))
            numbers.clusters.append(_own_cluster(plan, value, cluster))
    return numbers


def _clustered(numbers: _Numbers) -> float | None:
    """Tell the reference's error of clustered values.

    Documents that share nothing are one cluster there. None where there are not two.
    """
    if len(set(numbers.clusters)) < len(("one", "another")):
        return None
    return clustered_standard_error(numbers.values, numbers.clusters)
