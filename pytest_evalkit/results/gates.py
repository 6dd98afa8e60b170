"""Gates: conditions on a run's figures. In doubt, a gate fails."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.results.schema import (
    AggregateDict,
    GateDict,
    ResultsDict,
    Verdict,
    task_names,
)

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
_GATE = re.compile(
    r"""\s* (?: (?P<task>(?:[^:,<>=]|::)*[^:,<>=\s]) \s* : )?
        \s* (?P<metric>[^:,<>=]*[^:,<>=\s])
        \s* (?: , \s* (?P<filter>[^:,<>=]*[^:,<>=\s]) )?
        \s* (?P<comparison>>=|<=|>|<)
        \s* (?P<bound>\S+) \s*""",
    re.VERBOSE,
)
_BOUND_KEYS = {"min": ">=", "max": "<="}
_GATE_KEYS = ("metric", "filter", *_BOUND_KEYS)
# What is no metric of a task, but stands beside those of each filter that tells it.
_PARSE_RATE = "parse_rate"
_UNSUPPORTED_KEYS = ("confidence", "max_drop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A condition on one aggregated metric.

    Attributes:
        task: Name of the task or group, or None for every task that has the metric.
        metric: Name of the metric.
        filter: Name of the filter, or None for the task's first that has the metric.
        comparison: One of ``>=``, ``>``, ``<=``, ``<``.
        bound: What the figure is compared with.
    """

    task: str | None
    metric: str
    filter: str | None
    comparison: str
    bound: float

    @property
    def condition(self) -> str:
        """The condition without its task, such as ``exact_match,none >= 0.8``."""
        pipeline = f",{self.filter}" if self.filter is not None else ""
        return f"{self.metric}{pipeline} {self.comparison} {self.bound:.12g}"


def parse_gate(text: str) -> Gate:
    """Read a gate as the command line writes it.

    Args:
        text: ``[task:]metric[,filter]>=number``, or with ``>``, ``<=``, ``<``.

    Raises:
        OptionError: The text has another form.

    >>> parse_gate("gsm8k:exact_match,strict-match >= 0.8").condition
    'exact_match,strict-match >= 0.8'
    """
    match = _GATE.fullmatch(text)
    bound = _number(match["bound"]) if match else None
    if match is None or bound is None:
        raise OptionError(
            f"a gate reads '[task:]metric[,filter]>=number' "
            f"(or >, <=, <), such as 'gsm8k:exact_match>=0.8', not {text!r}"
        )
    return Gate(
        task=match["task"],
        metric=match["metric"],
        filter=match["filter"],
        comparison=match["comparison"],
        bound=bound,
    )


def gates_of_task(name: str, raw: Any) -> tuple[Gate, ...]:
    """Read the gates in a task file; each bound of an entry is a gate.

    Args:
        name: Name of the task.
        raw: Entries ``{metric, filter, min, max}``; None where there are none.

    Raises:
        OptionError: An entry has another form.
    """
    if raw is None:
        return ()
    if not isinstance(raw, list):
        raise OptionError(f"gate of task {name!r} must be a list, not {raw!r}")
    return tuple(gate for entry in raw for gate in _entry_gates(name, entry))


def _entry_gates(task: str, entry: Any) -> list[Gate]:
    owner = f"a gate of task {task!r}"
    if not isinstance(entry, Mapping) or not isinstance(entry.get("metric"), str):
        raise OptionError(f"{owner} needs a metric: {{metric, min}}, not {entry!r}")
    for key in entry:
        if key in _UNSUPPORTED_KEYS:
            raise OptionError(f"{owner} says {key!r}, which is not supported yet")
        if key not in _GATE_KEYS:
            raise OptionError(
                f"{owner} has an unknown key {key!r}; {suggestion(str(key), _GATE_KEYS)}"
            )
    bounds = [key for key in _BOUND_KEYS if key in entry]
    if not bounds:
        raise OptionError(f"{owner} on {entry['metric']!r} needs min or max")
    return [
        Gate(
            task=task,
            metric=entry["metric"],
            filter=entry.get("filter"),
            comparison=_BOUND_KEYS[key],
            bound=_entry_bound(owner, key, entry[key]),
        )
        for key in bounds
    ]


def _entry_bound(owner: str, key: str, value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise OptionError(f"{key} of {owner} must be a number, not {value!r}")
    return float(value)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def judge_all(
    gates: Sequence[Gate], results: ResultsDict, partial: Mapping[str, str]
) -> list[GateDict]:
    """Judge gates; one without a task is judged for every task that has its metric.

    Groups are judged where a gate names them.

    Args:
        gates: The gates.
        results: What the run concludes, but for its gates.
        partial: By task or group, why its figures are not those of the whole task.
    """
    return [
        judge(gate, results, partial=partial.get(gate.task or ""))
        for written in gates
        for gate in _per_task(written, results)
    ]


def _per_task(gate: Gate, results: ResultsDict) -> list[Gate]:
    if gate.task is not None:
        return [gate]
    tasks = [
        task
        for task in task_names(results)
        if any(row["metric"] == gate.metric for row in _figures(task, results))
    ]
    return [replace(gate, task=task) for task in tasks] or [gate]


def judge(gate: Gate, results: ResultsDict, *, partial: str | None) -> GateDict:
    """Decide whether a run passes a gate.

    It fails where the figure misses the bound, and as well where there is no such
    task, metric or filter, no figure, where documents of the task have no score, and
    where the run is not complete.

    Args:
        gate: The condition; without a task, of a run of one task.
        results: What the run concludes, but for its gates.
        partial: Why the figures are not those of the whole task, which leaves the
            gate unjudged; None where they are.
    """
    task, problem = _task_of(gate, results)
    if problem is not None:
        return _judged(gate, task, None, "fail", problem)
    row, missing = _row_of(gate, task, results)
    if row is None:
        return _judged(gate, task, None, "fail", missing)
    if partial is not None:
        return _judged(gate, task, row, "skipped", f"not judged: {partial}")
    value, problem = row["value"], _untrusted(task, results)
    if value is None or problem is not None:
        return _judged(gate, task, row, "fail", problem or _no_value(row))
    holds = _COMPARISONS[gate.comparison](value, gate.bound)
    message = f"{_figure(row)}; the gate is {gate.comparison} {gate.bound:.12g}"
    if gate.filter is None and len(_filters(task, gate.metric, results)) > 1:
        message += f"; of several filters the first, {row['filter']!r}, is judged"
    return _judged(gate, task, row, "pass" if holds else "fail", message)


def _task_of(gate: Gate, results: ResultsDict) -> tuple[str, str | None]:
    """Find the gate's task, or say why there is none."""
    if gate.task is None:
        tasks = task_names(results)
        if len(tasks) == 1:
            return tasks[0], None
        has = f"no task has a metric {gate.metric!r}"
        metrics = {
            row["metric"]
            for name in results["aggregates"]
            for row in _figures(name, results)
        }
        return "", f"{has}; {suggestion(gate.metric, metrics)}"
    if gate.task in results["aggregates"]:
        return gate.task, None
    hint = suggestion(gate.task, results["aggregates"])
    return gate.task, f"no task {gate.task!r} was run; {hint}"


def _row_of(
    gate: Gate, task: str, results: ResultsDict
) -> tuple[AggregateDict | None, str]:
    """Find the figure that the gate is about, or say why there is none."""
    figures = _figures(task, results)
    rows = [row for row in figures if row["metric"] == gate.metric]
    if not rows:
        metrics = {row["metric"] for row in figures}
        return None, (
            f"{_kind(task, results)} {task!r} has no metric {gate.metric!r}; "
            f"{suggestion(gate.metric, metrics)}"
        )
    if gate.filter is None:
        return rows[0], ""
    for row in rows:
        if row["filter"] == gate.filter:
            return row, ""
    return None, (
        f"metric {gate.metric!r} of {_kind(task, results)} {task!r} has no filter "
        f"{gate.filter!r}; "
        f"{suggestion(gate.filter, [row['filter'] for row in rows])}"
    )


def _figures(name: str, results: ResultsDict) -> list[AggregateDict]:
    """List the figures that a gate may name: metrics, and how often answers were found.

    The latter is that of the first metric of each filter, unless a metric is called so.
    """
    rows = results["aggregates"][name]
    told: dict[str, AggregateDict] = {}
    for row in rows:
        rate = row.get("parse_rate")
        if rate is not None and row["filter"] not in told:
            told[row["filter"]] = {
                "metric": _PARSE_RATE,
                "filter": row["filter"],
                "value": rate,
                "stderr": None,
                "ci95": None,
                "n": row["n"],
                "higher_is_better": True,
            }
    if any(row["metric"] == _PARSE_RATE for row in rows):
        return list(rows)
    return [*rows, *told.values()]


def _kind(name: str, results: ResultsDict) -> str:
    return "group" if name in results["group_subtasks"] else "task"


def _filters(task: str, metric: str, results: ResultsDict) -> list[str]:
    rows = _figures(task, results)
    return [row["filter"] for row in rows if row["metric"] == metric]


def _untrusted(task: str, results: ResultsDict) -> str | None:
    """Say why the figures of a task cannot be relied on; None where they can."""
    coverage = results["coverage"][task]
    if coverage["scored"] < coverage["selected"]:
        return (
            f"only {coverage['scored']} of {coverage['selected']} documents have a "
            f"score ({coverage['errors']} in error, {coverage['skipped']} skipped)"
        )
    return None if results["complete"] else "the run is not complete"


def _no_value(row: AggregateDict) -> str:
    if "error" in row:
        return f"the metric could not be aggregated: {row['error']}"
    if "missing" in row:
        return f"the group has no value: {row['missing']}"
    return "no document has a value of the metric"


def _figure(row: AggregateDict) -> str:
    spread = "" if row["stderr"] is None else f" ± {row['stderr']:.4f}"
    value = f"{row['value']:.6g}{spread}"
    return f"{row['metric']},{row['filter']} is {value} (n={row['n']})"


def _judged(
    gate: Gate,
    task: str,
    row: AggregateDict | None,
    verdict: Verdict,
    message: str,
) -> GateDict:
    return {
        "task": task,
        "metric": gate.metric,
        "filter": row["filter"] if row is not None else gate.filter or "",
        "condition": gate.condition,
        "value": row["value"] if row is not None else None,
        "bound": gate.bound,
        "verdict": verdict,
        "message": message,
    }
