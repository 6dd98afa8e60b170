"""The times of the requests of compared runs: what is compared, and what is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.comparison import RunComparison
from pytest_evalkit.results.latency_changes import (
    TimedDocuments,
    latency_changes,
)
from pytest_evalkit.results.load_drops import load_differences
from pytest_evalkit.results.load_gate_figures import ERROR_RATE
from pytest_evalkit.results.load_verdicts import MOST_ERRORS
from pytest_evalkit.results.recorded import RecordedRun
from pytest_evalkit.stats import holm_of_tested


def with_latency(
    comparisons: Sequence[RunComparison], *, is_forced: bool = False
) -> list[RunComparison]:
    """Compare the times of requests besides, where both runs say them.

    p values are adjusted over all times that are compared, apart from those of scores:
    there are many, and they go together.

    Args:
        comparisons: Each of a run with the first.
        is_forced: Whether to compare times although the load was another.
    """
    timed: dict[int, TimedDocuments] = {}
    found = [_compared(each, timed, is_forced=is_forced) for each in comparisons]
    p_values = [change.difference.p_value for each in found for change in each.latency]
    adjusted = iter(holm_of_tested(p_values))
    return [
        replace(
            each,
            latency=[
                replace(change, adjusted_p=next(adjusted)) for change in each.latency
            ],
        )
        for each in found
    ]


def _compared(
    comparison: RunComparison, timed: dict[int, TimedDocuments], *, is_forced: bool
) -> RunComparison:
    runs = comparison.first, comparison.second
    loads = _load(runs[0]), _load(runs[1])
    if not all(loads):
        return comparison
    others = list(load_differences(*loads))
    if others and not is_forced:
        reasons = "; ".join(others)
        note = f"latency is not compared, since the load was another: {reasons}"
        return replace(comparison, missing=[*comparison.missing, note])
    try:
        for run in runs:
            if id(run) not in timed:
                timed[id(run)] = TimedDocuments(run.all_samples())
    except ResultsError as error:
        note = f"latency is not compared: {error}"
        return replace(comparison, missing=[*comparison.missing, note])
    changes = list(latency_changes(timed[id(runs[0])], timed[id(runs[1])]))
    if not changes:
        return comparison
    notes = [f"the latency is of another load: {each}" for each in others]
    notes += _doubts(runs, loads)
    return replace(comparison, latency=changes, missing=[*comparison.missing, *notes])


def _load(run: RecordedRun) -> Mapping[str, Any]:
    """Get what a run says of its requests; nothing where none was timed to its end."""
    load: Mapping[str, Any] = {} if run.results is None else run.results.get("load", {})
    timed = (load.get("metrics") or {}).get("e2el_ms") or {}
    return load if timed.get("n") else {}


def _doubts(
    runs: Sequence[RecordedRun], loads: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Say what stands against times of a run."""
    for run, load in zip(runs, loads, strict=True):
        rate = load.get(ERROR_RATE)
        if rate is not None and rate > MOST_ERRORS:
            yield (
                f"{run.path}: {rate:.1%} of the requests failed, and latencies are those "
                "of the others"
            )
        client: Mapping[str, Any] = load.get("client") or {}
        if client.get("saturated"):
            yield f"{run.path}: the client was the limit: {client.get('reason')}"
