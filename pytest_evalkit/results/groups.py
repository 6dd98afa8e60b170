"""From the figures of tasks to those of the groups they belong to."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pytest_evalkit.naming import suggestion
from pytest_evalkit.results.document import GroupConclusion, TaskConclusion
from pytest_evalkit.results.journal import GroupDict, GroupMetricDict
from pytest_evalkit.results.schema import AggregateDict, CoverageDict
from pytest_evalkit.stats import (
    pooled_standard_error,
    t_interval,
    unweighted_standard_error,
    weighted_mean,
    welch_freedom,
)
from pytest_evalkit.tasks import Group

# So many tasks are named in a message; the rest are counted.
_NAMED = 3


class _Leaf(NamedTuple):
    """A task of the group, with its figure under one metric and filter."""

    task: TaskConclusion
    row: AggregateDict


def group_line(group: Group) -> GroupDict:
    """Write down a group, so that a run can be concluded from its journals."""
    version = group.version
    return {
        "kind": "group",
        "name": group.name,
        "alias": group.alias,
        "path": str(group.path),
        "members": list(group.members),
        "tasks": list(group.tasks),
        "metrics": [
            {
                "metric": metric.metric,
                "filters": None if metric.filters is None else list(metric.filters),
                "weight_by_size": metric.weight_by_size,
            }
            for metric in group.metrics
        ],
        "version": version if isinstance(version, int | float | str) else None,
        "gates": [dict(gate) for gate in group.gates],
    }


def conclude_groups(
    groups: Iterable[GroupDict],
    tasks: Iterable[TaskConclusion],
    *,
    is_strict: bool,
    levels: Collection[float] = (),
) -> list[GroupConclusion]:
    """Average the figures of tasks over their groups.

    A mean is over all tasks below a group, also those of groups within it.

    Args:
        groups: The groups; one of which no task was run is left out.
        tasks: What the run concludes about its tasks.
        is_strict: Whether figures are to be what the reference makes of them, where
            that is not the best.
        levels: Of what intervals beside those of 95 %, between 0 and 1.
    """
    by_name = {task.name: task for task in tasks}
    return [
        _conclude(group, by_name, levels, is_strict=is_strict)
        for group in groups
        if any(name in by_name for name in group["tasks"])
    ]


def _conclude(
    group: GroupDict,
    by_name: Mapping[str, TaskConclusion],
    levels: Collection[float],
    *,
    is_strict: bool,
) -> GroupConclusion:
    tasks = [by_name[name] for name in group["tasks"] if name in by_name]
    absent = [name for name in group["tasks"] if name not in by_name]
    directions = _directions(tasks)
    is_scored = not all("answered" in task.coverage for task in tasks)
    aggregates = [
        _row(metric, pipeline, tasks, absent, levels, is_strict=is_strict)
        for metric in (group["metrics"] if is_scored else ())
        for pipeline in _pipelines(metric, tasks)
    ]
    for row in aggregates:
        row["higher_is_better"] = directions.get(row["metric"])
    shots = {task.num_fewshot for task in tasks}
    return GroupConclusion(
        name=group["name"],
        alias=group["alias"],
        version=group["version"],
        members=tuple(group["members"]),
        num_fewshot=shots.pop() if len(shots) == 1 else None,
        directions=directions,
        aggregates=aggregates,
        coverage=_coverage(tasks),
        partial=_partial(tasks, absent),
    )


def _directions(tasks: Iterable[TaskConclusion]) -> dict[str, bool | None]:
    merged: dict[str, bool | None] = {}
    for task in tasks:
        for metric, direction in task.directions.items():
            if merged.setdefault(metric, direction) != direction:
                merged[metric] = None
    return merged


def _coverage(tasks: Sequence[TaskConclusion]) -> CoverageDict:
    counts = [task.coverage for task in tasks]
    coverage: CoverageDict = {
        "original": sum(count["original"] for count in counts),
        "selected": sum(count["selected"] for count in counts),
        "scored": sum(count["scored"] for count in counts),
        "errors": sum(count["errors"] for count in counts),
        "skipped": sum(count["skipped"] for count in counts),
    }
    if any("answered" in count for count in counts):
        coverage["answered"] = sum(count.get("answered", 0) for count in counts)
    if any("saved" in count for count in counts):
        coverage["saved"] = sum(count.get("saved", 0) for count in counts)
    return coverage


def _partial(tasks: Sequence[TaskConclusion], absent: Sequence[str]) -> str | None:
    if absent:
        return _absence(len(tasks), absent)
    parts = [task for task in tasks if task.partial is not None]
    if not parts:
        return None
    return f"of {parts[0].name!r}, {parts[0].partial}"


def _absence(present: int, absent: Sequence[str]) -> str:
    total = present + len(absent)
    return f"{len(absent)} of its {total} tasks were not run: {_listing(absent)}"


def _listing(names: Sequence[str]) -> str:
    named = ", ".join(names[:_NAMED])
    rest = len(names) - _NAMED
    return named if rest <= 0 else f"{named} and {rest} more"


def _pipelines(
    metric: GroupMetricDict, tasks: Sequence[TaskConclusion]
) -> Sequence[str]:
    """List the filters to average under: those asked for, or all that tasks have."""
    if metric["filters"] is not None:
        return metric["filters"]
    seen = {row["filter"]: None for _, row in _rows(metric["metric"], tasks)}
    return list(seen) or ["none"]


def _rows(metric: str, tasks: Iterable[TaskConclusion]) -> Iterator[_Leaf]:
    for task in tasks:
        for row in task.aggregates:
            if row["metric"] == metric:
                yield _Leaf(task, row)


def _row(
    metric: GroupMetricDict,
    pipeline: str,
    tasks: Sequence[TaskConclusion],
    absent: Sequence[str],
    levels: Collection[float],
    *,
    is_strict: bool,
) -> AggregateDict:
    """Average one metric under one filter.

    A task without the metric is left out, as it is in the reference; one that has it
    and no value would make the mean a wrong one.
    """
    leaves = [
        leaf
        for leaf in _rows(metric["metric"], tasks)
        if leaf.row["filter"] == pipeline
    ]
    row: AggregateDict = {
        "metric": metric["metric"],
        "filter": pipeline,
        "value": None,
        "stderr": None,
        "ci95": None,
        "n": sum(leaf.task.coverage["scored"] for leaf in leaves),
        "higher_is_better": None,
        "method": "none: there is no value",
        "tasks": len(leaves),
    }
    missing = _missing(metric["metric"], pipeline, leaves, tasks, absent)
    if missing is not None:
        row["missing"] = missing
        return row
    is_pooled = metric["weight_by_size"] or (is_strict and _are_lmms(tasks))
    shares = _add_figures(row, leaves, metric["weight_by_size"], is_pooled=is_pooled)
    if shares is not None:
        _add_interval(row, leaves, shares, levels)
    return row


def _missing(
    metric: str,
    pipeline: str,
    leaves: Sequence[_Leaf],
    tasks: Sequence[TaskConclusion],
    absent: Sequence[str],
) -> str | None:
    """Say why there is no mean; None where there is one."""
    if absent:
        return _absence(len(tasks), absent)
    if not leaves:
        has = {
            f"{row['metric']},{row['filter']}" for t in tasks for row in t.aggregates
        }
        hint = suggestion(f"{metric},{pipeline}", has)
        return f"no task has {metric!r} under filter {pipeline!r}; {hint}"
    without = [leaf.task.name for leaf in leaves if leaf.row["value"] is None]
    if without:
        return f"{len(without)} of {len(leaves)} tasks have none: {_listing(without)}"
    return None


def _are_lmms(tasks: Iterable[TaskConclusion]) -> bool:
    return all(task.config.get("dialect") == "lmms" for task in tasks)


def _add_figures(
    row: AggregateDict, leaves: Sequence[_Leaf], is_weighted: bool, *, is_pooled: bool
) -> list[float] | None:
    """Add value and standard error; returns the tasks' shares where there is an error."""
    values = [leaf.row["value"] for leaf in leaves if leaf.row["value"] is not None]
    sizes = [leaf.task.coverage["scored"] for leaf in leaves]
    value = weighted_mean(values, sizes if is_weighted else [1] * len(values))
    row["value"] = value
    errors = [leaf.row["stderr"] for leaf in leaves if leaf.row["stderr"] is not None]
    if len(errors) < len(leaves):
        row["method"] = "none: a task has no standard error"
        return None
    row["stderr"] = (
        pooled_standard_error(errors, sizes)
        if is_pooled
        else unweighted_standard_error(errors)
    )
    total = sum(sizes) if is_weighted else len(leaves)
    return [size / total if is_weighted else 1 / total for size in sizes]


def _add_interval(
    row: AggregateDict,
    leaves: Sequence[_Leaf],
    shares: Sequence[float],
    levels: Iterable[float],
) -> None:
    """Bound a group's mean by the errors of its tasks, of which each is independent.

    The degrees of freedom are those of Welch and Satterthwaite. Where documents of a
    task depend on each other, its clustered error counts.
    """
    if any(leaf.task.stop is not None for leaf in leaves):
        row["method"] = "none: a task was stopped early"
        return
    stderr, value = row["stderr"], row["value"]
    freedom = welch_freedom(
        [share * _error(leaf.row) for share, leaf in zip(shares, leaves, strict=True)],
        [leaf.row.get("clusters", leaf.row["n"]) - 1 for leaf in leaves],
    )
    if any("stderr_clustered" in leaf.row for leaf in leaves):
        parts = zip(shares, leaves, strict=True)
        stderr = math.hypot(*(share * _error(leaf.row) for share, leaf in parts))
        row["stderr_clustered"] = stderr
    if not stderr or freedom is None or value is None:
        row["method"] = "none: documents of the tasks do not differ"
        return
    row["method"] = "group t"
    row["ci95"] = t_interval(value, stderr, freedom)
    for level in levels:
        interval = t_interval(value, stderr, freedom, level=level)
        row.setdefault("intervals", {})[f"{level:.12g}"] = interval


def _error(row: AggregateDict) -> float:
    return row.get("stderr_clustered", row["stderr"] or 0.0)
