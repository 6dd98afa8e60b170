"""Judging gates. What cannot be relied on never passes.

A gate **passes** or **fails** where its figure decides, and is **inconclusive** where
the figure could as well be on the other side of the bound, or is that of a part of the
task. A figure that is missing, or rests on fewer documents than it claims, fails.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_evalkit.results.drops import Drop, Drops
from pytest_evalkit.results.gate_figures import (
    COVERAGE,
    NO_METRIC,
    Figure,
    figure_of,
    per_task,
)
from pytest_evalkit.results.gates import CONFIDENCE, Gate
from pytest_evalkit.results.schema import (
    AggregateDict,
    GateDict,
    ResultsDict,
    Verdict,
    task_names,
)
from pytest_evalkit.stats import PowerDesign, documents_needed, holm, normal_quantile

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
_NO_BASELINE = (
    "not judged: there is no baseline to compare with; --baseline RUN gives one"
)
_NO_DOCUMENTS = "a drop is told of a task's metrics only, document by document"
_LEAST_SAID = 0.0001
# Sums in another order differ by as little.
_SAME = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """What judging a gate came to.

    Attributes:
        verdict: The verdict.
        message: Why, in one line.
        value: The figure, or None.
        n: Documents, or requests, that it rests on; or None.
        interval: Its interval, or None.
        level: The interval's coverage, or None.
        documents: How many documents would decide it; None where ``n`` do, or where
            that is not known.
        baseline: The figure in the baseline, or None.
        p_value: Of a drop, or None.
    """

    verdict: Verdict
    message: str
    value: float | None = None
    n: int | None = None
    interval: tuple[float, float] | None = None
    level: float | None = None
    documents: int | None = None
    baseline: float | None = None
    p_value: float | None = None


def judge_all(
    gates: Sequence[Gate],
    results: ResultsDict,
    partial: Mapping[str, str],
    drops: Drops | None = None,
) -> list[GateDict]:
    """Judge gates; one without a task is judged for every task that has its metric.

    Groups are judged where a gate names them. p values of drops are adjusted over all
    drops that gates are about, by Holm's method.

    Args:
        gates: The gates.
        results: What the run concludes, but for its gates.
        partial: By task or group, why its figures are not those of the whole task.
        drops: How much worse figures are than a baseline's; None without a baseline.
    """
    every = [gate for written in gates for gate in per_task(written, results)]
    found = [figure_of(gate, results) for gate in every]
    known = _drops(every, found, partial, drops)
    return [
        _judged(
            gate,
            figure,
            _finding(gate, figure, results, partial, known.get(_key(figure))),
        )
        for gate, figure in zip(every, found, strict=True)
    ]


def _key(figure: Figure) -> tuple[str, str, str]:
    row = figure.row
    if row is None:
        return figure.task, "", ""
    return figure.task, row["metric"], row["filter"]


def _drops(
    gates: Sequence[Gate],
    figures: Sequence[Figure],
    partial: Mapping[str, str],
    drops: Drops | None,
) -> dict[tuple[str, str, str], Drop | str]:
    """Tell the drops that gates are about, their p values adjusted over all of them."""
    if drops is None:
        return {}
    keys = dict.fromkeys(
        _key(figure)
        for gate, figure in zip(gates, figures, strict=True)
        if gate.is_drop and figure.row is not None and figure.task not in partial
    )
    found = {key: drops.of(*key) for key in keys}
    told = {
        key: drop
        for key, drop in found.items()
        if isinstance(drop, Drop) and drop.p_value is not None
    }
    adjusted = holm(
        [drop.p_value for drop in told.values() if drop.p_value is not None]
    )
    for (key, drop), p_value in zip(told.items(), adjusted, strict=True):
        found[key] = replace(drop, p_value=p_value)
    return found


def _finding(
    gate: Gate,
    figure: Figure,
    results: ResultsDict,
    partial: Mapping[str, str],
    drop: Drop | str | None,
) -> _Finding:
    row = figure.row
    barred = _barred(figure, results, partial)
    if barred is not None or row is None or row["value"] is None:
        return barred or _Finding(verdict="fail", message=figure.problem)
    if not gate.is_drop:
        return _of_value(gate, figure, row, row["value"])
    if isinstance(drop, Drop):
        return _of_drop(gate, drop, row)
    verdict: Verdict = "inconclusive" if drop is None else "fail"
    if row.get("method") == NO_METRIC or figure.task in results["group_subtasks"]:
        verdict, drop = "fail", _NO_DOCUMENTS
    return _Finding(verdict=verdict, message=drop or _NO_BASELINE, n=row["n"])


def _barred(
    figure: Figure, results: ResultsDict, partial: Mapping[str, str]
) -> _Finding | None:
    """Judge a gate whose figure is not to be relied on; None where it is."""
    row = figure.row
    if row is None:
        return _Finding(verdict="fail", message=figure.problem)
    plain = _Finding(verdict="fail", message="", value=row["value"], n=row["n"])
    reason = _narrowed(figure, partial)
    if reason is not None:
        return replace(plain, verdict="inconclusive", message=f"not judged: {reason}")
    problem = _untrusted(figure, row, results)
    if problem is None and row["value"] is None:
        problem = _no_value(row)
    return None if problem is None else replace(plain, message=problem)


def _narrowed(figure: Figure, partial: Mapping[str, str]) -> str | None:
    """Say why a figure is that of a part; None where it is that of the whole."""
    if figure.is_of_run:
        return next(iter(partial.values()), None)
    return partial.get(figure.task)


def _untrusted(figure: Figure, row: AggregateDict, results: ResultsDict) -> str | None:
    """Say why figures cannot be relied on; None where they can.

    Coverage is itself the share of documents that can be relied on.
    """
    is_coverage = row["metric"] == COVERAGE and not row["filter"]
    tasks = task_names(results) if figure.is_of_run else [figure.task]
    for task in () if is_coverage else tasks:
        coverage = results["coverage"][task]
        if coverage["scored"] < coverage["selected"]:
            of_task = f" of {task!r}" if figure.is_of_run else ""
            return (
                f"only {coverage['scored']} of {coverage['selected']} documents{of_task} "
                f"have a score ({coverage['errors']} in error, {coverage['skipped']} "
                "skipped)"
            )
    return None if results["complete"] else "the run is not complete"


def _no_value(row: AggregateDict) -> str:
    if "error" in row:
        return f"the metric could not be aggregated: {row['error']}"
    if "missing" in row:
        return f"the group has no value: {row['missing']}"
    return "no document has a value of the metric"


def _of_value(gate: Gate, figure: Figure, row: AggregateDict, value: float) -> _Finding:
    """Hold a figure, or its interval, against the bound."""
    level = CONFIDENCE if gate.confidence is None else gate.confidence
    interval = _interval(row, level)
    holds = _COMPARISONS[gate.comparison]
    ends = [holds(end, gate.bound) for end in interval or ()]
    verdict: Verdict = "pass" if holds(value, gate.bound) else "fail"
    if gate.confidence is not None and not (ends and all(ends)):
        verdict = "fail" if ends and not any(ends) else "inconclusive"
    said = [f"{_said(row, value, interval, level)}; the gate is {_asked(gate)}"]
    needed = None
    if interval is None and gate.confidence is not None:
        said.append(f"there is no interval: {_no_interval(row)}")
    elif interval is not None and len(set(ends)) > 1:
        error = row.get("stderr_clustered", row["stderr"]) or _error(interval, level)
        needed = _needed(value - gate.bound, error, row["n"], level)
        said.append(f"the interval has the bound in it{_decides(needed)}")
    if figure.rivals > 1 and gate.filter is None:
        said.append(f"of several filters the first, {row['filter']!r}, is judged")
    return _Finding(
        verdict=verdict,
        message="; ".join(said),
        value=value,
        n=row["n"],
        interval=interval,
        level=None if interval is None else level,
        documents=needed,
    )


def _asked(gate: Gate) -> str:
    sure = "" if gate.confidence is None else f" with confidence {gate.confidence:g}"
    return f"{gate.comparison} {gate.bound:.12g}{sure}"


def _interval(row: AggregateDict, level: float) -> tuple[float, float] | None:
    if level == CONFIDENCE:
        return row["ci95"]
    return row.get("intervals", {}).get(f"{level:.12g}")


def _no_interval(row: AggregateDict) -> str:
    return row.get("method", "").removeprefix("none: ") or "none was made"


def _said(
    row: AggregateDict,
    value: float,
    interval: tuple[float, float] | None,
    level: float,
) -> str:
    name = ",".join(filter(None, (row["metric"], row["filter"])))
    spread = _between(interval, level)
    if interval is None and row["stderr"] is not None:
        spread = f" ± {row['stderr']:.4f}"
    return f"{name} is {value:.6g}{spread} (n={row['n']})"


def _between(interval: tuple[float, float] | None, level: float) -> str:
    if interval is None:
        return ""
    return f", {100 * level:g} % from {interval[0]:.4f} to {interval[1]:.4f}"


def _needed(effect: float, stderr: float | None, n: int, level: float) -> int | None:
    """Count the documents that would tell a figure from its bound, with power 0.8.

    None where it is the bound, which no number tells, or has no error.
    """
    if not stderr or abs(effect) < _SAME or n < 1:
        return None
    # One set of scores against a fixed number: the other side does not vary.
    deviation = stderr * math.sqrt(n)
    design = PowerDesign(alpha=1 - level, deviations=(deviation, 0.0), correlation=0.0)
    return documents_needed(effect, design)


def _decides(documents: int | None) -> str:
    if documents is None:
        return ""
    return f": some {documents:,} documents would decide it"


def _error(interval: tuple[float, float], level: float) -> float:
    """Tell the standard error that an interval is made of, roughly.

    Where all are right, their own error is 0, and that of their interval is not.
    """
    return (interval[1] - interval[0]) / (2 * normal_quantile((1 + level) / 2))


def _of_drop(gate: Gate, drop: Drop, row: AggregateDict) -> _Finding:
    """Judge how much worse a metric is: it fails where that is too much, and sure."""
    alpha = 1 - (CONFIDENCE if gate.confidence is None else gate.confidence)
    is_too_much = drop.value > gate.bound + _SAME
    is_sure = drop.p_value is not None and drop.p_value < alpha
    verdict: Verdict = "pass"
    said = [_said_of_drop(gate, drop, row)]
    needed = None
    if is_too_much and is_sure:
        verdict = "fail"
    elif is_too_much:
        verdict = "inconclusive"
        needed = _needed(drop.value, drop.stderr, drop.n, 1 - alpha)
        said.append(f"the drop is not significant{_decides(needed)}")
    if drop.n < row["n"]:
        verdict = "inconclusive" if verdict == "pass" else verdict
        said.append(f"the baseline has only {drop.n} of the {row['n']} documents")
    if drop.floor is not None and _is_worse(row["value"], drop):
        verdict = "fail"
        said.append(f"the value is beyond the floor of the baseline, {drop.floor:.6g}")
    said.extend(drop.notes)
    return _Finding(
        verdict=verdict,
        message="; ".join(said),
        value=drop.value,
        n=drop.n,
        interval=drop.interval,
        level=None if drop.interval is None else CONFIDENCE,
        documents=needed,
        baseline=drop.before,
        p_value=drop.p_value,
    )


def _is_worse(value: float | None, drop: Drop) -> bool:
    if value is None or drop.floor is None:
        return False
    if drop.is_lower_better:
        return value > drop.floor + _SAME
    return value < drop.floor - _SAME


def _said_of_drop(gate: Gate, drop: Drop, row: AggregateDict) -> str:
    p_value = "" if drop.p_value is None else f", p {_chance(drop.p_value)}"
    return (
        f"{row['metric']},{row['filter']} was {drop.before:.6g} and is {drop.after:.6g}: "
        f"a drop of {drop.value:.6g}{_between(drop.interval, CONFIDENCE)}{p_value} "
        f"(n={drop.n}, {drop.method}); the gate is {_asked(gate)}"
    )


def _chance(p_value: float) -> str:
    return "< 0.0001" if p_value < _LEAST_SAID else f"= {p_value:.4f}"


def _judged(gate: Gate, figure: Figure, finding: _Finding) -> GateDict:
    row = figure.row
    return {
        "task": figure.task,
        "metric": gate.metric,
        "filter": row["filter"] if row is not None else gate.filter or "",
        "condition": gate.condition,
        "value": finding.value,
        "bound": gate.bound,
        "verdict": finding.verdict,
        "message": finding.message,
        "n": finding.n,
        "interval": finding.interval,
        "level": finding.level,
        "documents": finding.documents,
        "baseline": finding.baseline,
        "p_value": finding.p_value,
    }
