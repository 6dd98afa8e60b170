"""From a run to the baseline file that later runs are held against.

A baseline could sink step by step, each a drop that is just allowed. So each of its
figures has a floor, which an update keeps and refuses to go below. What was narrowed
or broken off, or lacks scores, is never taken.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.results.baseline_file import (
    BASELINE_SCHEMA_VERSION,
    BaselineDict,
    BaselineMetricDict,
    BaselineTaskDict,
    prompts_hash,
    scores_in,
)
from pytest_evalkit.results.recorded import RecordedRun, read_answers
from pytest_evalkit.results.schema import AggregateDict, ResultsDict

# Sums in another order differ by as little.
_SAME = 1e-9


def updated(
    known: BaselineDict | None, run: RecordedRun, tasks: Collection[str] = ()
) -> BaselineDict:
    """Take a run into a baseline.

    Args:
        known: The baseline so far; None for a new one. Floors and tasks that the run
            does not have stay.
        run: The run.
        tasks: Its tasks to take; all where none is named.

    Raises:
        ResultsError: The run is not to be relied on, has no such task, or a figure is
            beyond its floor.
    """
    results = run.results
    if results is None:
        raise ResultsError(f"{run.path} has samples alone; give a run with its results")
    _require_whole(run, results)
    for name in tasks:
        if name not in run.samples:
            raise ResultsError(
                f"{run.path} has no task {name!r}; {suggestion(name, run.samples)}"
            )
    chosen = list(tasks) or list(run.samples)
    for name in chosen:
        _require_covered(run, results, name)
    before = {} if known is None else known["tasks"]
    taken = {name: _task(run, results, name, before.get(name)) for name in chosen}
    return {
        "evalkit_baseline": BASELINE_SCHEMA_VERSION,
        "model": results["model_name"],
        "tasks": {**before, **taken},
    }


def _require_whole(run: RecordedRun, results: ResultsDict) -> None:
    """Refuse a run that tells of nothing, or not of the benchmarks themselves."""
    options: Mapping[str, Any] = results["config"].get("resolved_cli_args", {})
    problem = None
    if not results["complete"]:
        problem = "it is not complete"
    elif results.get("predict_only"):
        problem = "it was not scored (--predict-only)"
    elif options.get("sample"):
        problem = "its documents are the shipped samples (--sample)"
    elif not run.samples:
        problem = "its samples files are not there"
    if problem is not None:
        raise ResultsError(f"{run.path} is no baseline: {problem}")


def _require_covered(run: RecordedRun, results: ResultsDict, task: str) -> None:
    counts = results["coverage"][task]
    if counts["selected"] < counts["original"]:
        raise ResultsError(
            f"{run.path} is no baseline of {task!r}: {counts['selected']} of "
            f"{counts['original']} documents were selected; run all of them"
        )
    if counts.get("saved"):
        raise ResultsError(
            f"{run.path} is no baseline of {task!r}: it was stopped early, after "
            f"{counts['scored']} of {counts['selected']} documents; run it without "
            "--early-stop"
        )
    if counts["scored"] < counts["selected"]:
        raise ResultsError(
            f"{run.path} is no baseline of {task!r}: only {counts['scored']} of "
            f"{counts['selected']} documents have a score; --resume with --rerun-errors "
            "asks for the others again"
        )


def _task(
    run: RecordedRun, results: ResultsDict, name: str, known: BaselineTaskDict | None
) -> BaselineTaskDict:
    answers = read_answers(run.samples[name])
    if not answers.contents:
        raise ResultsError(
            f"{run.path} is no baseline of {name!r}: its documents have no hashes by "
            "which those of another run could be matched"
        )
    first = next((a for own in answers.by_filter.values() for a in own.values()), None)
    floors = {} if known is None else known["metrics"]
    return {
        "version": results["versions"].get(name),
        "prompts": prompts_hash(answers),
        "repeats": 1 if first is None else first.repeats,
        "metrics": {
            key: _metric(row, row["value"], f"{name}: {key}", floors.get(key))
            for row in results["aggregates"][name]
            if row["value"] is not None
            for key in (f"{row['metric']},{row['filter']}",)
        },
        "scores": scores_in(answers),
    }


def _metric(
    row: AggregateDict, value: float, place: str, known: BaselineMetricDict | None
) -> BaselineMetricDict:
    direction, interval = row["higher_is_better"], row["ci95"]
    floor = _first_floor(row, value) if known is None else known["floor"]
    if (
        floor is not None
        and direction is not None
        and _is_beyond(value, floor, direction)
    ):
        raise ResultsError(
            f"{place} is {value:.6g}, {'below' if direction else 'above'} its floor "
            f"{floor:.6g}; the baseline stays as it was. If that is meant, edit the floor "
            "in the file first"
        )
    return {
        "value": value,
        "n": row["n"],
        # As it is read back: results files have lists.
        "ci95": None if interval is None else (interval[0], interval[1]),
        "higher_is_better": direction,
        "floor": floor,
    }


def _first_floor(row: AggregateDict, value: float) -> float | None:
    """Choose what is hardly reached by chance; None without a direction.

    A second run of the same model varies as the first did, so that the two differ by
    the root of 2 times as much as one varies. A figure without an interval is its own
    floor.
    """
    direction, interval = row["higher_is_better"], row["ci95"]
    if direction is None:
        return None
    if interval is None:
        return value
    worse = interval[0] if direction else interval[1]
    return float(f"{value + math.sqrt(2) * (worse - value):.4g}")


def _is_beyond(value: float, floor: float, direction: bool) -> bool:
    return value < floor - _SAME if direction else value > floor + _SAME
