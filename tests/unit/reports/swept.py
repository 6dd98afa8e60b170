"""Load sweeps whose figures are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_evalkit.results.load_sweep import SweepDict, sweep_of
from pytest_evalkit.stats.load_figures import load_figures
from pytest_evalkit.stats.request_times import RequestTimes

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
    requests = [
        RequestTimes(
            status="successful",
            sent_at=number / rate,
            ended_at=number / rate + latency_s,
            output_tokens=2,
        )
        for number in range(100)
    ]
    row = {"metric": "acc", "filter": "none", "value": 0.5, "ci95": (0.4, 0.6)}
    return {
        "complete": complete,
        "model_name": "m",
        "aggregates": {task: [row] for task in tasks},
        "group_subtasks": {},
        "load": {**load_figures(requests), "client": None},
    }
