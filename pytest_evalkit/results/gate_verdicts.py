"""Judging gates. What cannot be relied on never passes.

A gate **passes** or **fails** where its figure decides, and is **inconclusive** where
the figure could as well be on the other side of the bound, or is that of a part of the
task. Of the first kind it is **unproven** where it has a confidence: it asks for proof,
and what fails to give it fails the run unless somebody says otherwise. A figure that is missing, or rests on fewer documents than it claims, fails.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_evalkit.results.drop_verdicts import of_drop
from pytest_evalkit.results.drops import Drop, Drops
from pytest_evalkit.results.early_stop import EarlyStop
from pytest_evalkit.results.finding import (
    NO_BASELINE,
    Finding,
    asked,
    between,
    decides,
    needed_documents,
)
from pytest_evalkit.results.gate_figures import (
    COVERAGE,
    NO_METRIC,
    Figure,
    figure_of,
    per_task,
)
from pytest_evalkit.results.gates import CONFIDENCE, Gate
from pytest_evalkit.results.load_drops import of_load_drop
from pytest_evalkit.results.load_gate_figures import LoadFigure
from pytest_evalkit.results.load_verdicts import allowed_errors, of_load
from pytest_evalkit.results.schema import (
    AggregateDict,
    GateDict,
    ResultsDict,
    Verdict,
    task_names,
)
from pytest_evalkit.results.told_drops import ToldDrops, figure_key, told_drops
from pytest_evalkit.stats import normal_quantile

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
}
_NO_SHARES = "a drop in per cent is told of figures of load only; give a number"
_NO_DOCUMENTS = "a drop is told of a task's metrics only, document by document"


def judge_all(
    gates: Sequence[Gate],
    results: ResultsDict,
    partial: Mapping[str, str],
    drops: Drops | None = None,
    stops: Mapping[str, EarlyStop] | None = None,
) -> list[GateDict]:
    """Judge gates; one without a task is judged for every task that has its metric.

    Groups are judged where a gate names them. p values of drops are adjusted over all
    drops that gates are about, by Holm's method.

    Args:
        gates: The gates.
        results: What the run concludes, but for its gates.
        partial: By task or group, why its figures are not those of the whole task.
        drops: How much worse figures are than a baseline's; None without a baseline.
        stops: By task, where it ended since its gates were decided.
    """
    every = [gate for written in gates for gate in per_task(written, results)]
    found = [figure_of(gate, results) for gate in every]
    grounds = _Grounds(
        results=results,
        partial=partial,
        drops=drops,
        told_drops=told_drops(every, found, partial, drops),
        stops=stops or {},
        allowed_errors=allowed_errors(
            gate
            for gate, figure in zip(every, found, strict=True)
            if figure.load is not None
        ),
    )
    return [
        _judged(gate, figure, _finding(gate, figure, grounds))
        for gate, figure in zip(every, found, strict=True)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grounds:
    """What gates are judged on.

    Attributes:
        results: What the run concludes, but for its gates.
        partial: By task or group, why its figures are not those of the whole task.
        drops: How much worse figures are than a baseline's; None without a baseline.
        told_drops: Those that gates are about, or why they are not known.
        stops: By task, where it ended early.
        allowed_errors: The share of requests that may fail where times are judged.
    """

    results: ResultsDict
    partial: Mapping[str, str]
    drops: Drops | None
    told_drops: ToldDrops
    stops: Mapping[str, EarlyStop]
    allowed_errors: float


def _finding(gate: Gate, figure: Figure, grounds: _Grounds) -> Finding:
    if figure.load is not None:
        return _of_requests(gate, figure, figure.load, grounds)
    early = _early(gate, figure, grounds.stops)
    if early is not None:
        return early
    return _of_documents(gate, figure, grounds)


def _of_requests(
    gate: Gate, figure: Figure, load: LoadFigure, grounds: _Grounds
) -> Finding:
    """Judge a gate on a figure of load.

    Neither documents in error bar it, since what failed is itself such a figure, nor a
    load that ended before all was sent, as it was asked to.
    """
    results, allowed = grounds.results, grounds.allowed_errors
    plain = Finding(verdict="inconclusive", message="", value=load.value, n=load.n)
    reason = next(iter(grounds.partial.values()), figure.problem)
    if reason:
        return replace(plain, message=f"not judged: {reason}")
    if not results["complete"] and not results["load"].get("ended"):
        return replace(plain, verdict="fail", message="the run is not complete")
    if gate.is_drop:
        before = None if grounds.drops is None else grounds.drops.before
        change = grounds.told_drops.of_latency.get(load.name)
        return of_load_drop(gate, load, results, before, allowed, change)
    holds = _COMPARISONS[gate.comparison]
    return of_load(gate, load, results["load"], allowed, holds)


def _early(
    gate: Gate, figure: Figure, stops: Mapping[str, EarlyStop]
) -> Finding | None:
    """Tell what was decided of a gate before all documents had a score, if it was."""
    stop, row = stops.get(figure.task), figure.row
    if stop is None or row is None or row["value"] is None:
        return None
    for decided in stop.verdicts:
        named = replace(gate, metric=row["metric"], filter=row["filter"])
        if decided.early.gate != named:
            continue
        saved = len(stop.saved)
        level = decided.early.level
        whole = saved + len(stop.counted)
        spread = between(decided.interval, level)
        return Finding(
            verdict=decided.verdict,
            message=(
                f"{row['metric']},{row['filter']} is {row['value']:.6g}{spread} wherever "
                f"one stops (n={row['n']}); the gate is {asked(gate)}; decided early: "
                f"{saved:,} of {whole:,} documents were saved"
            ),
            value=row["value"],
            n=row["n"],
            interval=decided.interval,
            level=None if decided.interval is None else level,
            saved=saved,
        )
    return None


def _of_documents(gate: Gate, figure: Figure, grounds: _Grounds) -> Finding:
    row, results = figure.row, grounds.results
    barred = _barred(figure, results, grounds.partial)
    if barred is not None or row is None or row["value"] is None:
        return barred or Finding(verdict="fail", message=figure.problem)
    if not gate.is_drop:
        return _of_value(gate, figure, row, row["value"])
    if gate.is_relative:
        return Finding(verdict="fail", message=_NO_SHARES, value=row["value"])
    drop = grounds.told_drops.of_documents.get(figure_key(figure))
    if isinstance(drop, Drop):
        return of_drop(gate, drop, row)
    verdict: Verdict = "inconclusive" if drop is None else "fail"
    if row.get("method") == NO_METRIC or figure.task in results["group_subtasks"]:
        verdict, drop = "fail", _NO_DOCUMENTS
    return Finding(verdict=verdict, message=drop or NO_BASELINE, n=row["n"])


def _barred(
    figure: Figure, results: ResultsDict, partial: Mapping[str, str]
) -> Finding | None:
    """Judge a gate whose figure is not to be relied on; None where it is."""
    row = figure.row
    if row is None:
        return Finding(verdict="fail", message=figure.problem)
    plain = Finding(verdict="fail", message="", value=row["value"], n=row["n"])
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
        if coverage["scored"] + coverage.get("saved", 0) < coverage["selected"]:
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


def _of_value(gate: Gate, figure: Figure, row: AggregateDict, value: float) -> Finding:
    """Hold a figure, or its interval, against the bound."""
    level = CONFIDENCE if gate.confidence is None else gate.confidence
    interval = _interval(row, level)
    holds = _COMPARISONS[gate.comparison]
    ends = [holds(end, gate.bound) for end in interval or ()]
    verdict: Verdict = "pass" if holds(value, gate.bound) else "fail"
    if gate.confidence is not None and not (ends and all(ends)):
        verdict = "fail" if ends and not any(ends) else "inconclusive"
    said = [f"{_said(row, value, interval, level)}; the gate is {asked(gate)}"]
    needed = None
    if interval is None and gate.confidence is not None:
        said.append(f"there is no interval: {_no_interval(row)}")
    elif interval is not None and len(set(ends)) > 1:
        error = row.get("stderr_clustered", row["stderr"]) or _error(interval, level)
        needed = needed_documents(value - gate.bound, error, row["n"], level)
        said.append(f"the interval has the bound in it{decides(needed)}")
    if figure.rivals > 1 and gate.filter is None:
        said.append(f"of several filters the first, {row['filter']!r}, is judged")
    return Finding(
        verdict=verdict,
        message="; ".join(said),
        value=value,
        n=row["n"],
        interval=interval,
        level=None if interval is None else level,
        documents=needed,
        is_unproven=verdict == "inconclusive",
    )


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
    spread = between(interval, level)
    if interval is None and row["stderr"] is not None:
        spread = f" ± {row['stderr']:.4f}"
    return f"{name} is {value:.6g}{spread} (n={row['n']})"


def _error(interval: tuple[float, float], level: float) -> float:
    """Tell the standard error that an interval is made of, roughly.

    Where all are right, their own error is 0, and that of their interval is not.
    """
    return (interval[1] - interval[0]) / (2 * normal_quantile((1 + level) / 2))


def _judged(gate: Gate, figure: Figure, finding: Finding) -> GateDict:
    row = figure.row
    judged: GateDict = {
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
    if finding.saved is not None:
        judged["saved"] = finding.saved
    if finding.is_unproven:
        judged["unproven"] = True
    return judged
