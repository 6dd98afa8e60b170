"""The wire form of compared runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

from pytest_evalkit.results.comparison import RunComparison
from pytest_evalkit.results.latency_changes import LatencyChange
from pytest_evalkit.results.metric_change import Flip, MetricChange

COMPARISON_SCHEMA_VERSION = 1


class FlipDict(TypedDict):
    """A document that one run did better; pairs are the first run's and the second's."""

    document: str
    categories: dict[str, str]
    target: Any
    answers: tuple[Any, Any]
    scores: tuple[float, float]
    change: str


class ChangeDict(TypedDict):
    """One metric in two runs.

    ``difference`` is the second run's value less the first's; ``stderr``, ``ci95``,
    ``p_value`` and ``p_value_holm`` are None where they are not known, and ``method``
    says why. ``clusters`` is None where documents stand alone. ``by_category`` counts
    documents gained and lost.
    """

    task: str
    filter: str
    metric: str
    higher_is_better: bool | None
    n: int
    unmatched: int
    values: tuple[float, float]
    difference: float
    stderr: float | None
    ci95: tuple[float, float] | None
    p_value: float | None
    p_value_holm: float | None
    method: str
    clusters: int | None
    gained: int
    lost: int
    by_category: dict[str, dict[str, tuple[int, int]]]
    flips: list[FlipDict]


class LatencyChangeDict(TypedDict):
    """One figure of the times of requests in two runs, in milliseconds.

    ``n`` are the successful requests that the values rest on. ``difference`` is the
    second value less the first, ``ci95`` its interval, ``ci95_share`` the same as a
    share of the first value. What is None is not known, and ``method`` says why.
    """

    name: str
    n: tuple[int, int]
    values: tuple[float, float]
    difference: float
    stderr: float | None
    ci95: tuple[float, float] | None
    ci95_share: tuple[float, float] | None
    p_value: float | None
    p_value_holm: float | None
    method: str


class RunDict(TypedDict):
    """A run: what it is called, and where it is."""

    name: str
    path: str


class DivergenceDict(TypedDict):
    """What differs between two runs besides the model."""

    task: str
    message: str
    grave: bool


class ComparedDict(TypedDict):
    """A run set beside the first."""

    first: RunDict
    second: RunDict
    changes: list[ChangeDict]
    latency: list[LatencyChangeDict]
    divergences: list[DivergenceDict]
    missing: list[str]


class ComparisonDict(TypedDict):
    """All that ``evalkit compare`` tells."""

    schema_version: int
    comparisons: list[ComparedDict]


def comparison_dict(comparisons: Iterable[RunComparison]) -> ComparisonDict:
    """Write comparisons in their wire form."""
    return {
        "schema_version": COMPARISON_SCHEMA_VERSION,
        "comparisons": [
            {
                "first": {"name": each.first.label, "path": str(each.first.path)},
                "second": {"name": each.second.label, "path": str(each.second.path)},
                "changes": [_change(change) for change in each.changes],
                "latency": [_latency(change) for change in each.latency],
                "divergences": [
                    {"task": d.task, "message": d.message, "grave": d.is_grave}
                    for d in each.divergences
                ],
                "missing": list(each.missing),
            }
            for each in comparisons
        ],
    }


def _change(change: MetricChange) -> ChangeDict:
    difference = change.paired.difference
    return {
        "task": change.task,
        "filter": change.filter,
        "metric": change.metric,
        "higher_is_better": change.higher_is_better,
        "n": change.n,
        "unmatched": change.unmatched,
        "values": change.values,
        "difference": difference.value,
        "stderr": difference.stderr,
        "ci95": difference.interval,
        "p_value": difference.p_value,
        "p_value_holm": change.adjusted_p,
        "method": change.paired.method,
        "clusters": change.paired.clusters,
        "gained": change.gained,
        "lost": change.lost,
        "by_category": change.by_category(),
        "flips": [_flip(flip) for flip in change.flips],
    }


def _latency(change: LatencyChange) -> LatencyChangeDict:
    difference = change.difference
    return {
        "name": change.name,
        "n": change.counts,
        "values": change.values,
        "difference": difference.value,
        "stderr": difference.stderr,
        "ci95": difference.interval,
        "ci95_share": change.share,
        "p_value": difference.p_value,
        "p_value_holm": change.adjusted_p,
        "method": change.method,
    }


def _flip(flip: Flip) -> FlipDict:
    return {
        "document": flip.name,
        "categories": dict(flip.categories),
        "target": flip.target,
        "answers": flip.answers,
        "scores": flip.scores,
        "change": "gained" if flip.is_gain else "lost",
    }
