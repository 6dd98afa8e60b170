"""Judging gates on drops: how much worse a metric is than in a baseline."""

from __future__ import annotations

from pytest_evalkit.results.drops import Drop
from pytest_evalkit.results.finding import (
    SAME,
    Finding,
    asked,
    between,
    decides,
    needed_documents,
)
from pytest_evalkit.results.gates import CONFIDENCE, Gate
from pytest_evalkit.results.schema import AggregateDict, Verdict

_LEAST_SAID = 0.0001


def of_drop(gate: Gate, drop: Drop, row: AggregateDict) -> Finding:
    """Judge how much worse a metric is: it fails where that is too much, and sure.

    Args:
        gate: A gate on a drop.
        drop: The drop.
        row: The figure in the run.
    """
    alpha = 1 - (CONFIDENCE if gate.confidence is None else gate.confidence)
    is_too_much = drop.value > gate.bound + SAME
    is_sure = drop.p_value is not None and drop.p_value < alpha
    verdict: Verdict = "pass"
    said = [_said_of_drop(gate, drop, row)]
    needed = None
    if is_too_much and is_sure:
        verdict = "fail"
    elif is_too_much:
        verdict = "inconclusive"
        needed = needed_documents(drop.value, drop.stderr, drop.n, 1 - alpha)
        said.append(f"the drop is not significant{decides(needed)}")
    if drop.n < row["n"]:
        verdict = "inconclusive" if verdict == "pass" else verdict
        said.append(f"the baseline has only {drop.n} of the {row['n']} documents")
    if drop.floor is not None and _is_worse(row["value"], drop):
        verdict = "fail"
        said.append(f"the value is beyond the floor of the baseline, {drop.floor:.6g}")
    said.extend(drop.notes)
    return Finding(
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
        return value > drop.floor + SAME
    return value < drop.floor - SAME


def _said_of_drop(gate: Gate, drop: Drop, row: AggregateDict) -> str:
    p_value = "" if drop.p_value is None else f", p {chance(drop.p_value)}"
    return (
        f"{row['metric']},{row['filter']} was {drop.before:.6g} and is {drop.after:.6g}: "
        f"a drop of {drop.value:.6g}{between(drop.interval, CONFIDENCE)}{p_value} "
        f"(n={drop.n}, {drop.method}); the gate is {asked(gate)}"
    )


def chance(p_value: float) -> str:
    """Write a p value behind ``p``, to four decimals."""
    return "< 0.0001" if p_value < _LEAST_SAID else f"= {p_value:.4f}"
