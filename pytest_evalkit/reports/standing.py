"""How a document did, in one word and one number, for lists and breakdowns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.schema import ResultsDict

_NUMBERS = (float, int)

Outcome = Literal["right", "partly", "wrong", "scored", "answered", "error", "skipped"]

OUTCOMES: tuple[Outcome, ...] = (
    "right",
    "partly",
    "wrong",
    "scored",
    "answered",
    "error",
    "skipped",
)


class Standing(NamedTuple):
    """How a document did under one filter.

    Attributes:
        outcome: ``right`` at 1 or above, ``wrong`` at 0 or below, ``partly`` between;
            where lower values are better, ``right`` at 0 and ``wrong`` from 1 on.
            ``scored`` where no metric is a number,
            ``answered`` where none was to be taken.
        metric: The first metric that is or holds a number; None where there is none.
        score: Its value, or None.
    """

    outcome: Outcome
    metric: str | None
    score: float | None


def standing_of(sample: SampleDict, results: ResultsDict) -> Standing:
    """Say how a document did.

    Args:
        sample: Its record under one filter.
        results: Of its run: they know which way a metric points.
    """
    if sample["status"] != "scored":
        return Standing(sample["status"], None, None)
    task = sample["task"]
    for name in sample["metrics"]:
        value = value_of(sample, name)
        if isinstance(value, dict):
            value = value.get(_score_key(results, task))
        score = _number(value)
        if score is not None:
            higher = results["higher_is_better"].get(task, {}).get(name)
            return Standing(_outcome(score, higher), name, score)
    return Standing("scored", None, None)


def value_of(sample: SampleDict, metric: str) -> Any:
    """Get the value of one of a sample's metrics."""
    # Metric values stand beside the named keys, under the metrics' own names.
    values: Mapping[str, object] = sample
    return values[metric]


def _score_key(results: ResultsDict, task: str) -> str:
    """Tell by what name a metric's value holds the score, where it holds several."""
    return str(results["configs"].get(task, {}).get("score_key") or "score")


def _number(value: Any) -> float | None:
    if isinstance(value, _NUMBERS) and math.isfinite(value):
        return float(value)
    return None


def _outcome(score: float, higher: bool | None) -> Outcome:
    worst, best = (score <= 0, score >= 1)
    if higher is False:
        worst, best = best, worst
    if best:
        return "right"
    return "wrong" if worst else "partly"
