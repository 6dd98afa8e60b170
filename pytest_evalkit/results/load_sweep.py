"""Several runs of the same documents at rising load, joined: ``load_sweep.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

from pytest_evalkit.results.schema import AggregateDict, ResultsDict, task_names
from pytest_evalkit.stats.giving_way import RULE, giving_way

SWEEP_SCHEMA_VERSION = 1


class LevelDict(TypedDict):
    """One level: its concurrency, the run's file, and what the run found.

    ``scores`` are the values of metrics by task and ``METRIC,FILTER``, ``intervals``
    their 95 % intervals, None where there is none; ``figures`` are the run's ``load``.
    """

    concurrency: int
    results: str
    complete: bool
    scores: dict[str, dict[str, float | None]]
    intervals: dict[str, dict[str, tuple[float, float] | None]]
    figures: dict[str, Any]


class GivingWayDict(TypedDict):
    """The level at which the server gives way, and why it is said to."""

    concurrency: int
    reason: str


class SweepDict(TypedDict):
    """Score and latency as functions of load.

    ``levels`` are those that were asked for, ``load_sweep`` those that left results;
    ``complete`` tells whether every level was run whole. ``gives_way`` is None where the
    server held at all of them, by ``rule``.
    """

    schema_version: int
    complete: bool
    model_name: str
    levels: list[int]
    load_sweep: list[LevelDict]
    gives_way: GivingWayDict | None
    rule: str


def sweep_of(
    runs: Mapping[int, tuple[str, ResultsDict]], levels: Sequence[int]
) -> SweepDict:
    """Join the runs of a sweep.

    Args:
        runs: By level, the place of the results and what they are; at least one.
        levels: The levels that were asked for.
    """
    found = [
        _level(level, place, results)
        for level, (place, results) in sorted(runs.items())
    ]
    _, last = next(iter(runs.values()))
    end = giving_way([(one["concurrency"], one["figures"]) for one in found])
    return {
        "schema_version": SWEEP_SCHEMA_VERSION,
        "complete": set(runs) == set(levels) and all(one["complete"] for one in found),
        "model_name": last["model_name"],
        "levels": list(levels),
        "load_sweep": found,
        "gives_way": None
        if end is None
        else {"concurrency": end.level, "reason": end.reason},
        "rule": RULE,
    }


def _level(level: int, place: str, results: ResultsDict) -> LevelDict:
    return {
        "concurrency": level,
        "results": place,
        "complete": results["complete"],
        "scores": {
            task: {name: row["value"] for name, row in _rows(results, task)}
            for task in task_names(results)
        },
        "intervals": {
            task: {name: row["ci95"] for name, row in _rows(results, task)}
            for task in task_names(results)
        },
        "figures": results["load"],
    }


def _rows(results: ResultsDict, task: str) -> Iterator[tuple[str, AggregateDict]]:
    """List a task's figures by ``METRIC,FILTER``."""
    for row in results["aggregates"][task]:
        yield f"{row['metric']},{row['filter']}", row
