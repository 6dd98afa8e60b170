"""The figures that a gate may name: metrics, and what else a run tells of itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

from pytest_evalkit.naming import suggestion
from pytest_evalkit.results.gates import Gate
from pytest_evalkit.results.load_gate_figures import (
    LoadFigure,
    is_load_name,
    load_figures_of,
    missing_figure,
)
from pytest_evalkit.results.schema import AggregateDict, ResultsDict, task_names

PARSE_RATE = "parse_rate"
"""What is no metric of a task, but stands beside those of each filter that tells it."""

FIRST = "*"
"""Stands for the first metric of a task."""

COVERAGE = "coverage"
"""What is no metric either: the share of the selected documents that have a score."""

NO_METRIC = "none: it is no metric of documents"
"""The ``method`` of what is no metric and so has no interval."""

OF_RUN = {
    "latency": "requests",
    "usage": "documents_with_counts",
    "throughput": None,
}
"""What the whole run tells: keys of its results, with how many each rests on."""


class Figure(NamedTuple):
    """What a gate is about.

    Attributes:
        task: The task or group; empty for a figure of the whole run.
        row: The figure, or None where there is none.
        problem: Why there is none; empty where there is one.
        rivals: How many filters have the metric.
        load: The figure where it is one of load, which then decides in place of the
            row; else None.
    """

    task: str
    row: AggregateDict | None
    problem: str = ""
    rivals: int = 1
    load: LoadFigure | None = None

    @property
    def is_of_documents(self) -> bool:
        """Whether there is one, and of documents rather than of requests."""
        return self.row is not None and self.load is None

    @property
    def is_of_run(self) -> bool:
        """Whether it is of the whole run rather than of a task."""
        return not self.task


def per_task(gate: Gate, results: ResultsDict) -> list[Gate]:
    """Name the tasks of a gate that names none: all that have its metric.

    ``*`` is the first metric of a task that has a direction.

    Groups are judged where a gate names them. One that is about the whole run, or about
    what no task has, stays as it is.

    Args:
        gate: The gate.
        results: What the run concludes, but for its gates.
    """
    if gate.metric == FIRST:
        named = task_names(results) if gate.task is None else [gate.task]
        firsts = {task: _first(results["aggregates"].get(task, ())) for task in named}
        return [
            replace(gate, task=task, metric=metric)
            for task, metric in firsts.items()
            if metric is not None
        ] or [gate]
    if gate.task is not None:
        return [gate]
    tasks = [
        task
        for task in task_names(results)
        if any(row["metric"] == gate.metric for row in _figures(task, results))
    ]
    return [replace(gate, task=task) for task in tasks] or [gate]


def _first(rows: Sequence[AggregateDict]) -> str | None:
    directed = [row for row in rows if row["higher_is_better"] is not None]
    return next((row["metric"] for row in directed or rows), None)


def figure_of(gate: Gate, results: ResultsDict) -> Figure:
    """Find what a gate is about, or say why there is nothing.

    Args:
        gate: The gate; one that names no task is about the whole run.
        results: What the run concludes, but for its gates.
    """
    key, _, path = gate.metric.partition(".")
    if key in OF_RUN and path and not _is_a_metric(gate, results):
        return _figure_of_run(gate, key, path, results)
    load = results.get("load") or {}
    if is_load_name(gate.metric, load) and not _is_a_metric(gate, results):
        return _figure_of_load(gate, load, results)
    if gate.task is None:
        return _without_task(gate, results)
    if gate.task not in results["aggregates"]:
        hint = suggestion(gate.task, results["aggregates"])
        return Figure(gate.task, None, f"no task {gate.task!r} was run; {hint}")
    return _figure_of_task(gate, gate.task, results)


def _is_a_metric(gate: Gate, results: ResultsDict) -> bool:
    names = results["aggregates"] if gate.task is None else (gate.task,)
    return any(
        row["metric"] == gate.metric
        for name in names
        for row in results["aggregates"].get(name, ())
    )


def _figure_of_run(gate: Gate, key: str, path: str, results: ResultsDict) -> Figure:
    """Look a figure of the whole run up by its place in the results."""
    if gate.task is not None or gate.filter is not None:
        return Figure(
            "",
            None,
            f"{gate.metric!r} is of the whole run; give the gate without a task or "
            "filter, by --gate or in the ini file",
        )
    told: Mapping[str, Any] = cast("Mapping[str, Any]", results)[key]
    numbers = dict(_numbers(told))
    if path not in numbers:
        known = [f"{key}.{name}" for name in numbers]
        return Figure(
            "",
            None,
            f"the run has no {gate.metric!r}; {suggestion(gate.metric, known)}",
        )
    counted = OF_RUN[key]
    parent = path.rpartition(".")[0]
    place = f"{parent}.{counted}" if parent else counted
    count = numbers.get(place or "", 0)
    return Figure("", _plain_row(gate.metric, "", numbers[path], int(count)))


def _figure_of_load(
    gate: Gate, load: Mapping[str, Any], results: ResultsDict
) -> Figure:
    """Look a figure of load up by its name."""
    if gate.filter is not None:
        return Figure("", None, f"{gate.metric!r} is of requests, which have no filter")
    figures = load_figures_of(load)
    figure = figures.get(gate.metric)
    if figure is None:
        return Figure("", None, missing_figure(gate.metric, figures))
    others = [name for name in task_names(results) if name != gate.task]
    problem = ""
    if gate.task is not None and others:
        problem = (
            f"{gate.metric} is of the requests of the whole run, in which "
            f"{others[0]!r} ran too; run {gate.task!r} alone, or give the gate by --gate"
        )
    row = _plain_row(gate.metric, "", figure.value, figure.n or 0)
    return Figure(gate.task or "", row, problem, load=figure)


def _numbers(told: Mapping[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    """List the numbers in a mapping by their keys, those of inner ones after a dot."""
    found: list[tuple[str, float]] = []
    for name, value in told.items():
        if isinstance(value, Mapping):
            found += _numbers(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and math.isfinite(value):
            found.append((f"{prefix}{name}", float(value)))
    return found


def _without_task(gate: Gate, results: ResultsDict) -> Figure:
    """Take the only task there is, or say what metrics there are."""
    tasks = task_names(results)
    if len(tasks) == 1:
        return _figure_of_task(gate, tasks[0], results)
    metrics = {
        row["metric"]
        for name in results["aggregates"]
        for row in _figures(name, results)
    }
    return Figure("", None, missing_metric(gate, "no task", metrics))


def _figure_of_task(gate: Gate, task: str, results: ResultsDict) -> Figure:
    figures = _figures(task, results)
    rows = [row for row in figures if row["metric"] == gate.metric]
    kind = "group" if task in results["group_subtasks"] else "task"
    if not rows:
        known = {row["metric"] for row in figures}
        return Figure(task, None, missing_metric(gate, f"{kind} {task!r}", known))
    if gate.filter is None:
        return Figure(task, rows[0], rivals=len(rows))
    for row in rows:
        if row["filter"] == gate.filter:
            return Figure(task, row)
    names = [row["filter"] for row in rows]
    return Figure(task, None, missing_filter(gate, f"{kind} {task!r}", names))


def missing_metric(gate: Gate, owner: str, known: Iterable[str]) -> str:
    """Say that a metric is not there, and which is meant.

    Args:
        gate: What names it.
        owner: Whose it is, such as ``task 'gsm8k'``; ``no task`` where nobody has it.
        known: The names of the metrics that are there.
    """
    has = "has a metric" if owner == "no task" else "has no metric"
    return f"{owner} {has} {gate.metric!r}; {suggestion(gate.metric, known)}"


def missing_filter(gate: Gate, owner: str, known: Iterable[str]) -> str:
    """Say that a metric has no such filter, and which is meant.

    Args:
        gate: What names it.
        owner: Whose metric it is, such as ``task 'gsm8k'``.
        known: The names of its filters.
    """
    hint = suggestion(gate.filter or "", known)
    return f"metric {gate.metric!r} of {owner} has no filter {gate.filter!r}; {hint}"


def _figures(name: str, results: ResultsDict) -> list[AggregateDict]:
    """List the figures of a task: metrics, how often answers were found, coverage.

    How often answers were found is that of the first metric of each filter. A metric
    that is called like one of them is meant in its place.
    """
    rows = list(results["aggregates"][name])
    metrics = {row["metric"] for row in rows}
    if PARSE_RATE not in metrics:
        told: dict[str, AggregateDict] = {}
        for row in rows:
            rate = row.get("parse_rate")
            if rate is not None and row["filter"] not in told:
                told[row["filter"]] = _plain_row(
                    PARSE_RATE, row["filter"], rate, row["n"]
                )
        rows += told.values()
    if COVERAGE not in metrics:
        counts = results["coverage"][name]
        wanted = counts["selected"] - counts.get("saved", 0)
        share = counts["scored"] / wanted if wanted else None
        rows.append(_plain_row(COVERAGE, "", share, wanted))
    return rows


def _plain_row(
    metric: str, pipeline: str, value: float | None, n: int
) -> AggregateDict:
    """Make the row of a figure that has no interval."""
    return {
        "metric": metric,
        "filter": pipeline,
        "value": value,
        "stderr": None,
        "ci95": None,
        "n": n,
        "higher_is_better": None,
        "method": NO_METRIC,
    }
