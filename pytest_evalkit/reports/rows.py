"""The figures of a run as rows that every report shows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_evalkit.results.schema import (
    AggregateDict,
    RepeatFigureDict,
    ResultsDict,
    task_names,
)

_PARTS = 10_000
# Figures of repeats that are shown.
_SHOWN = ("mean", "pass", "majority")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One aggregated metric of a task or group, or the name of a group above its tasks.

    Attributes:
        task: Alias of the task or group.
        is_first: True for the first row of its task or group.
        is_group: True for a row of a group.
        depth: How many groups it stands below.
        pipeline: Name of the filter; empty for a name alone.
        num_fewshot: Worked examples in each prompt; None where the tasks of a group
            differ.
        metric: Name of the metric; empty for a name alone.
        higher_is_better: Its direction, or None.
        n: Documents that have the metric.
        value: The figure, or None.
        stderr: Its standard error, that of clusters where there are some; or None.
        ci95: Its 95 % interval, or None.
        parse_rate: The share of answers in which the filter found one; None where it
            tells none, or a row above has said it.
        scored: Documents that have a score.
        selected: Documents that the run set out to do.
        saved: Those of them that were not needed, as the task was stopped early.
        error: Why the metric could not be aggregated, or None.
        missing: Why a group has no figure, or None.
    """

    task: str
    is_first: bool
    is_group: bool
    depth: int
    pipeline: str
    num_fewshot: int | None
    metric: str
    higher_is_better: bool | None
    n: int
    value: float | None
    stderr: float | None
    ci95: tuple[float, float] | None
    parse_rate: float | None
    scored: int
    selected: int
    saved: int
    error: str | None
    missing: str | None

    def label(self, indent: str) -> str:
        """The name in its place among the groups; empty but on the first row.

        Args:
            indent: What stands before it for each group that it is below.
        """
        return indent * self.depth + self.task if self.is_first else ""

    @property
    def is_name(self) -> bool:
        """Whether it only names a group."""
        return not self.metric

    @property
    def count(self) -> str:
        """The number of documents as text; empty for a name alone."""
        return "" if self.is_name else str(self.n)

    @property
    def shots(self) -> str:
        """The number of worked examples as text; empty where it is not one."""
        is_one = self.num_fewshot is not None and not self.is_name
        return str(self.num_fewshot) if is_one else ""

    @property
    def found(self) -> str:
        """How many of the answers were found as text; empty where that is not told.

        It is rounded down: 1.0000 are all of them.
        """
        if self.parse_rate is None:
            return ""
        return f"{math.floor(self.parse_rate * _PARTS) / _PARTS:.4f}"

    @property
    def is_covered(self) -> bool:
        """Whether every document that was needed has a score."""
        return self.scored + self.saved == self.selected

    @property
    def coverage(self) -> str:
        """How many documents have a score, of how many; once for all rows of a task."""
        is_told = self.is_first and not self.is_name
        saved = f", {self.saved} saved" if self.saved else ""
        return f"{self.scored}/{self.selected}{saved}" if is_told else ""

    @property
    def problem(self) -> str | None:
        """Why there is no figure, or None."""
        return self.error or self.missing

    @property
    def figure(self) -> str:
        """The value as text: four decimals, ``n/a`` where there is none."""
        if self.is_name:
            return ""
        if self.error is not None:
            return "error"
        return "n/a" if self.value is None else f"{self.value:.4f}"

    @property
    def spread(self) -> str:
        """The standard error as text: empty where there is none."""
        return "" if self.stderr is None else f"{self.stderr:.4f}"


def rows_of(results: ResultsDict) -> Iterator[Row]:
    """List the figures of a run: those of groups, and the tasks below them.

    Groups within a group stand together below it, so that they can be seen at one
    glance; their tasks follow, below the group's name. What belongs to several groups
    stands below the first.
    """
    tree = _Tree(results)
    for group in tree.outermost():
        yield from tree.figures(group, 0)
        yield from tree.tasks(group, 0)
    for task in task_names(results):
        yield from tree.task(task, 0)


class _Tree:
    """The groups of a run with what is below them; each name is listed once."""

    def __init__(self, results: ResultsDict) -> None:
        self._results = results
        self._members = results["group_subtasks"]
        self._shown: set[str] = set()
        self._entered: set[str] = set()

    def outermost(self) -> list[str]:
        """Name the groups that are in no other."""
        inner = {name for names in self._members.values() for name in names}
        return [group for group in self._members if group not in inner]

    def figures(self, group: str, depth: int) -> Iterator[Row]:
        """List the figures of a group and of the groups within it."""
        if group in self._shown:
            return
        self._shown.add(group)
        rows = list(_rows(self._results, group, depth))
        if not rows and depth == 0:
            rows = [_name(self._results, group, depth)]
        yield from rows
        for name in self._inner(group):
            yield from self.figures(name, depth + 1)

    def tasks(self, group: str, depth: int) -> Iterator[Row]:
        """List the tasks of a group, and those of each group within it by its name."""
        self._entered.add(group)
        for name in self._members[group]:
            if name not in self._members:
                yield from self.task(name, depth + 1)
        for name in self._inner(group):
            below = () if name in self._entered else self.tasks(name, depth + 1)
            for position, row in enumerate(below):
                if position == 0:
                    yield _name(self._results, name, depth + 1)
                yield row

    def task(self, name: str, depth: int) -> Iterator[Row]:
        """List the figures of a task, unless they are listed already or not known."""
        if name in self._shown or name not in self._results["aggregates"]:
            return
        self._shown.add(name)
        yield from _rows(self._results, name, depth)

    def _inner(self, group: str) -> list[str]:
        return [name for name in self._members[group] if name in self._members]


def _rows(results: ResultsDict, name: str, depth: int) -> Iterator[Row]:
    told: set[str] = set()
    for position, aggregate in enumerate(results["aggregates"][name]):
        row = _row(results, name, aggregate, depth, is_first=position == 0)
        yield replace(row, parse_rate=None) if row.pipeline in told else row
        if row.parse_rate is not None:
            told.add(row.pipeline)
        for figure in _telling(aggregate.get("repeats", ())):
            yield _repeat_row(row, figure)


def _telling(figures: Sequence[RepeatFigureDict]) -> Iterator[RepeatFigureDict]:
    """Take the figures of repeats that a table has room for; results have the others."""
    shown = {each["figure"].partition("@")[0]: each for each in figures}
    # Of the passes that is the last, with as many answers as there are.
    yield from (shown[kind] for kind in _SHOWN if kind in shown)


def _repeat_row(row: Row, figure: RepeatFigureDict) -> Row:
    """Write a figure of repeats below the metric that it is of."""
    ci95 = figure["ci95"]
    return replace(
        row,
        is_first=False,
        metric=f"{row.metric} {figure['figure']}",
        n=figure["n"],
        value=figure["value"],
        stderr=figure["stderr"],
        ci95=None if ci95 is None else (ci95[0], ci95[1]),
        parse_rate=None,
        error=None,
        missing=None,
    )


def _name(results: ResultsDict, group: str, depth: int) -> Row:
    """Make a row that has only the name of a group."""
    nothing: AggregateDict = {
        "metric": "",
        "filter": "",
        "value": None,
        "stderr": None,
        "ci95": None,
        "n": 0,
        "higher_is_better": None,
    }
    return _row(results, group, nothing, depth, is_first=True)


def _row(
    results: ResultsDict,
    name: str,
    aggregate: AggregateDict,
    depth: int,
    *,
    is_first: bool,
) -> Row:
    coverage = results["coverage"][name]
    low_high = aggregate["ci95"]
    return Row(
        task=results["results"][name].get("alias", name),
        is_first=is_first,
        is_group=name in results["group_subtasks"],
        depth=depth,
        pipeline=aggregate["filter"],
        num_fewshot=results["n-shot"].get(name),
        metric=aggregate["metric"],
        higher_is_better=aggregate["higher_is_better"],
        n=aggregate["n"],
        value=aggregate["value"],
        # Where documents depend on each other, the other one is too small.
        stderr=aggregate.get("stderr_clustered", aggregate["stderr"]),
        ci95=(low_high[0], low_high[1]) if low_high is not None else None,
        parse_rate=aggregate.get("parse_rate"),
        scored=coverage["scored"],
        selected=coverage["selected"],
        saved=coverage.get("saved", 0),
        error=aggregate.get("error"),
        missing=aggregate.get("missing"),
    )
