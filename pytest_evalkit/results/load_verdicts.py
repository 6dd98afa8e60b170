"""Judging gates on latency, throughput and errors of a run's requests."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from pytest_evalkit.results.finding import (
    Finding,
    asked,
    between,
    decides,
    needed_documents,
)
from pytest_evalkit.results.gates import CONFIDENCE, Gate
from pytest_evalkit.results.load_gate_figures import ERROR_RATE, LoadFigure
from pytest_evalkit.stats import wilson_interval

MOST_ERRORS = 0.05
"""The share of failed requests above which a time never passes: failing is fast."""

_AT_MOST = ("<=", "<")
_UNSTREAMED = ("ttft_ms", "ttfo_ms", "tpot_ms", "itl_ms")


def allowed_errors(gates: Iterable[Gate]) -> float:
    """Tell which share of requests may fail where times are judged.

    Args:
        gates: The gates of the run on figures of load; one that lets more requests fail than is usual says
            so for the others too.
    """
    said = (
        gate.bound
        for gate in gates
        if gate.metric == ERROR_RATE
        and gate.comparison in _AT_MOST
        and not gate.is_drop
    )
    return max([MOST_ERRORS, *said])


def of_load(
    gate: Gate,
    figure: LoadFigure,
    load: Mapping[str, Any],
    allowed: float,
    holds: Callable[[float, float], bool],
) -> Finding:
    """Judge a gate on a figure of load.

    Args:
        gate: The gate.
        figure: What it is about.
        load: The load of the run.
        allowed: The share of requests that may fail where times are judged.
        holds: Compares a value with a bound, as the gate does.
    """
    value = figure.value
    if value is None:
        return undefined(figure, load)
    upper = figure.upper if gate.comparison in _AT_MOST else None
    value = value if upper is None else upper
    interval, level = _interval(gate, figure, value)
    said = _said(gate, figure, load, between(interval, level), upper)
    finding = Finding(
        verdict="pass" if holds(value, gate.bound) else "fail",
        message=said,
        value=value,
        n=figure.n,
        interval=interval,
        level=None if interval is None else level,
    )
    failing = fast_failing(figure, load, allowed)
    if failing is not None:
        return replace(finding, verdict="fail", message=f"{said}; {failing}")
    problem = uncertain(figure, load)
    if problem is not None:
        return replace(finding, verdict="inconclusive", message=f"{said}; {problem}")
    return finding if gate.confidence is None else _sure(gate, finding, holds)


def _sure(
    gate: Gate, finding: Finding, holds: Callable[[float, float], bool]
) -> Finding:
    """Judge a gate that asks the whole interval to hold."""
    value, n, interval, level = (
        finding.value,
        finding.n,
        finding.interval,
        finding.level,
    )
    if value is None or n is None or interval is None or level is None:
        reason = (
            "there is no interval: only shares of requests have one; of percentiles, "
            "--gate-conservative takes the end of one"
        )
        return _unproven(finding, reason, None)
    ends = [holds(end, gate.bound) for end in interval]
    if len(set(ends)) == 1:
        return replace(finding, verdict="pass" if ends[0] else "fail")
    error = math.sqrt(value * (1 - value) / n)
    needed = needed_documents(value - gate.bound, error, n, level)
    reason = f"the interval has the bound in it{decides(needed, 'requests')}"
    return _unproven(finding, reason, needed)


def _unproven(finding: Finding, reason: str, needed: int | None) -> Finding:
    return replace(
        finding,
        verdict="inconclusive",
        message=f"{finding.message}; {reason}",
        documents=needed,
        is_unproven=True,
    )


def undefined(figure: LoadFigure, load: Mapping[str, Any]) -> Finding:
    """Fail a gate whose figure is not known.

    Args:
        figure: What it is about.
        load: The load of the run.
    """
    message = f"{figure.name} is not known of this run{_reason(figure, load)}"
    return Finding(verdict="fail", message=message, n=figure.n)


def _reason(figure: LoadFigure, load: Mapping[str, Any]) -> str:
    """Say why a figure is not known, after a colon; nothing where nobody can tell."""
    counts: Mapping[str, int] = load.get("n_requests") or {}
    if not any(counts.values()):
        return ": no request was sent"
    if not counts.get("successful"):
        return f": none of {sum(counts.values())} requests succeeded"
    if figure.root.startswith(_UNSTREAMED):
        return ": it needs answers that are streamed (--measure-latency)"
    if figure.root.endswith(("_tokens", "_throughput")):
        return ": it needs an endpoint that counts tokens"
    if figure.root in {"request_goodput", "good_request_fraction"}:
        return ": it needs goals of latency (--goodput)"
    return ""


def _interval(
    gate: Gate, figure: LoadFigure, value: float
) -> tuple[tuple[float, float] | None, float]:
    level = CONFIDENCE if gate.confidence is None else gate.confidence
    if not figure.is_fraction or not figure.n:
        return None, level
    return wilson_interval(value, figure.n, level=level), level


def _said(
    gate: Gate,
    figure: LoadFigure,
    load: Mapping[str, Any],
    spread: str,
    upper: float | None,
) -> str:
    """Say value, bound, how many requests, and first of all how many failed."""
    rate = load.get(ERROR_RATE)
    failed = ""
    if rate and figure.name != ERROR_RATE:
        failed = f"{100 * rate:.3g} % of the requests failed; "
    told = f"{figure.name} is {figure.value:.6g}{spread}"
    if upper is not None:
        told = f"{figure.name} is at most {upper:.6g}, and was {figure.value:.6g}"
    floor = "" if figure.floor is None else f", of {figure.floor} at least"
    count = "" if figure.n is None else f" (n={figure.n}{floor})"
    return f"{failed}{told}{count}; the gate is {asked(gate)}"


def fast_failing(
    figure: LoadFigure, load: Mapping[str, Any], allowed: float
) -> str | None:
    """Say why a time never passes, since too many requests failed; None where it may.

    Args:
        figure: What a gate is about.
        load: The load that it is of.
        allowed: The share of requests that may fail.
    """
    rate = load.get(ERROR_RATE)
    if not figure.is_time or rate is None or rate <= allowed:
        return None
    return (
        f"more than {100 * allowed:g} % of the requests failed, and times are those of "
        "the others alone: no time passes then"
    )


def uncertain(figure: LoadFigure, load: Mapping[str, Any]) -> str | None:
    """Say why a figure decides nothing; None where it does.

    Args:
        figure: What a gate is about.
        load: The load that it is of.
    """
    floor = figure.floor
    if floor is not None and (figure.n or 0) < floor:
        return (
            f"a p{figure.percent} needs {floor} successful requests to say anything, and "
            f"there are {figure.n or 0}"
        )
    client: Mapping[str, Any] = load.get("client") or {}
    if figure.is_of_client and client.get("saturated"):
        reason = client.get("reason")
        why = f": {reason}" if reason else ""
        return f"the client, not the server, was at its limit{why}"
    return None
