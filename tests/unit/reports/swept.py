"""Load sweeps whose figures are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_evalkit.results.load_sweep import SweepDict, sweep_of
from tests.unit.results.loads import steady_load

USUAL_S = 0.25


def swept(
    rates: Mapping[int, int],
    *,
    levels: Sequence[int],
    latencies: Mapping[int, float] | None = None,
    tasks: Sequence[str] = ("t",),
    complete: bool = True,
) -> SweepDict:
    """Join levels of a hundred requests each, sent at equal gaps.

    Args:
        rates: Requests per second, by level.
        levels: What was asked for.
        latencies: Seconds of each request, by level; a quarter where nothing is said.
        tasks: The tasks, each with a score of a half.
        complete: Whether the runs are whole.
    """
    runs = {
        level: (
            f"concurrency-{level}/results.json",
            _run(rate, (latencies or {}).get(level, USUAL_S), tasks, complete=complete),
        )
        for level, rate in rates.items()
    }
    return sweep_of(runs, levels)


def _run(rate: int, latency_s: float, tasks: Sequence[str], *, complete: bool) -> Any:
    row = {"metric": "acc", "filter": "none", "value": 0.5, "ci95": (0.4, 0.6)}
    return {
        "complete": complete,
        "model_name": "m",
        "aggregates": {task: [row] for task in tasks},
        "group_subtasks": {},
        "load": {**steady_load(rate, latency_s), "client": None},
    }
