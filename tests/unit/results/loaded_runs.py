"""Results of runs whose requests are made up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from pytest_evalkit.results.gate_verdicts import judge_all
from pytest_evalkit.results.gates import parse_gates
from pytest_evalkit.results.schema import GateDict, ResultsDict
from pytest_evalkit.stats.load_figures import load_figures
from pytest_evalkit.stats.request_times import RequestTimes

PATTERN = {"name": "concurrency", "is_asked": True, "concurrency": 8}


def answered(ttft_ms: float = 100.0, **changes: Any) -> RequestTimes:
    facts = {
        "status": "successful",
        "sent_at": 0.0,
        "ended_at": 1.0,
        "ttft_s": ttft_ms / 1000,
        "input_tokens": 10,
        "output_tokens": 400,
    }
    return RequestTimes(**{**facts, **changes})


def failed() -> RequestTimes:
    return RequestTimes(status="errored", sent_at=0.0, ended_at=0.001)


def load_of(requests: Sequence[RequestTimes], **changes: Any) -> dict[str, Any]:
    goals = {"ttft_ms": 500.0}
    is_conservative = changes.pop("is_conservative", False)
    figures = load_figures(requests, goals, is_conservative=is_conservative)
    return {**figures, "load_pattern": PATTERN, **changes}


def results(
    requests: Sequence[RequestTimes],
    *others: str,
    complete: bool = True,
    **changes: Any,
) -> ResultsDict:
    names = ("chat", *others)
    counts = {"original": 9, "selected": 9, "scored": 8, "errors": 1, "skipped": 0}
    found = {
        "complete": complete,
        "aggregates": {name: [] for name in names},
        "group_subtasks": {},
        "coverage": dict.fromkeys(names, counts),
        "latency": {},
        "usage": {},
        "throughput": {},
        "task_hashes": dict.fromkeys(names, "f"),
        "load": load_of(requests, **changes),
    }
    return cast("ResultsDict", found)


def judged(text: str, found: ResultsDict, **partial: str) -> GateDict:
    (gate,) = judge_all(parse_gates(text), found, partial)
    return gate
