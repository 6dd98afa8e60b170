"""How sure the figures of others are: by their samples, where these give the figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.aggregate import aggregate_task
from pytest_evalkit.results.schema import AggregateDict
from pytest_evalkit.scoring import MetricSpec, ScoringPlan
from pytest_evalkit.scoring.aggregations import AGGREGATIONS
from pytest_evalkit.scoring.plan import FilterPipeline

# Sums in another order differ by as little.
_SAME = 1e-9
_TAKEN = ("ci95", "method", "clusters", "replicates", "stderr_clustered", "n")


def sharpen(
    rows: Iterable[AggregateDict],
    samples: Iterable[SampleDict],
    config: Mapping[str, Any],
) -> None:
    """Give rows the intervals that we make of the same values.

    Only where our aggregation of the samples is the recorded figure; what cannot be
    had of them keeps what its file says.

    Args:
        rows: Figures of one task; changed.
        samples: Its samples.
        config: Its settings.
    """
    rows = list(rows)
    plan = _plan(rows, config)
    if not plan.metrics:
        return
    try:
        own_rows = aggregate_task(plan, samples)
    except OverflowError:
        # Values so large that their squares are no numbers; what is recorded stands.
        return
    found = {(row["metric"], row["filter"]): row for row in own_rows}
    for row in rows:
        own = found.get((row["metric"], row["filter"]))
        if own is not None and _is_same(row["value"], own["value"]):
            taken: Mapping[str, Any] = {**own}
            row.update({key: taken[key] for key in _TAKEN if key in taken})  # type: ignore[typeddict-item]


def _plan(rows: Iterable[AggregateDict], config: Mapping[str, Any]) -> ScoringPlan:
    """Plan the metrics whose aggregation is known by its name."""
    entries = config.get("metric_list")
    named = {
        entry["metric"]: entry.get("aggregation", "mean")
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict)
        and isinstance(entry.get("metric"), str)
        and isinstance(entry.get("aggregation", ""), str)
    }
    names: dict[str, bool | None] = {}
    pipelines: dict[str, None] = {}
    for row in rows:
        names[row["metric"]] = row["higher_is_better"]
        pipelines[row["filter"]] = None
    key = config.get("cluster_key")
    return ScoringPlan(
        pipelines=tuple(FilterPipeline(name=name, steps=()) for name in pipelines),
        metrics=tuple(
            MetricSpec(
                name=name,
                function=None,
                aggregation=AGGREGATIONS[aggregation],
                aggregation_name=aggregation,
                higher_is_better=higher,
            )
            for name, higher in names.items()
            # What a scorer gives besides is averaged.
            for aggregation in [named.get(name, "mean")]
            if aggregation in AGGREGATIONS
        ),
        cluster_key=key if isinstance(key, str) else None,
    )


def _is_same(recorded: float | None, own: float | None) -> bool:
    if recorded is None or own is None:
        return False
    return math.isclose(recorded, own, rel_tol=_SAME, abs_tol=_SAME)
