"""Figures of documents that were asked several times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pytest_evalkit.results.schema import AggregateDict, RepeatFigureDict
from pytest_evalkit.results.spread import Drawing, add_spread
from pytest_evalkit.scoring import MetricSpec, ScoringPlan
from pytest_evalkit.scoring.aggregations import AGGREGATIONS
from pytest_evalkit.stats import (
    consistency,
    majority_at_k,
    mean,
    pass_at_k,
    within_variance,
)


class Answered(NamedTuple):
    """The answers to one document under one filter.

    Attributes:
        scores: Of each answer, by metric.
        answers: For each answer which of them says the same, or None for nothing.
    """

    scores: Mapping[str, Sequence[float]]
    answers: Sequence[int | None]


class RepeatTally:
    """Keeps what the repeats of a task's documents are worth, filter by filter."""

    def __init__(self) -> None:
        self._answered: dict[str, dict[int, Answered]] = {}

    def take(self, sample: Mapping[str, Any]) -> None:
        """Take in a sample; of a document recorded twice the later one counts."""
        own = self._answered.setdefault(sample["filter"], {})
        own.pop(sample["doc_id"], None)
        if sample["status"] == "scored" and "repeat_scores" in sample:
            own[sample["doc_id"]] = Answered(
                sample["repeat_scores"], sample["repeat_answers"]
            )

    def forget(self, documents: frozenset[int]) -> None:
        """Leave documents out, as if they had not been run."""
        for answered in self._answered.values():
            for doc_id in documents & answered.keys():
                del answered[doc_id]

    def figures(
        self,
        pipeline: str,
        metric: str,
        clusters: Mapping[int, str],
        plan: ScoringPlan,
        drawing: Drawing,
    ) -> list[RepeatFigureDict]:
        """Tell what repeats say of a metric; nothing where it has no scores of them.

        Documents that were asked as often as most count.

        Args:
            pipeline: The filter.
            metric: The metric.
            clusters: What documents share with others.
            plan: How the task scores.
            drawing: How sure figures are told to be.
        """
        told = {
            doc_id: answered
            for doc_id, answered in sorted(self._answered.get(pipeline, {}).items())
            if metric in answered.scores
        }
        counts = Counter(len(answered.answers) for answered in told.values())
        if not counts:
            return []
        ((asked, _),) = counts.most_common(1)
        kept = {d: a for d, a in told.items() if len(a.answers) == asked}
        shared = [clusters.get(doc_id) for doc_id in kept]
        pairs = [
            (answered.scores[metric], answered.answers) for answered in kept.values()
        ]
        return [
            _figure(name, [of(*pair) for pair in pairs], shared, plan, drawing)
            for name, of in _kinds(pairs, asked)
        ]


_Document = tuple[Sequence[float], Sequence[int | None]]
_Kind = Callable[[Sequence[float], Sequence[int | None]], float]


def _kinds(documents: Sequence[_Document], asked: int) -> Iterator[tuple[str, _Kind]]:
    """List what can be told of documents that were asked so often."""
    yield f"mean@{asked}", lambda scores, _: mean(scores)
    if all(score in (0.0, 1.0) for scores, _ in documents for score in scores):
        for k in _steps(asked):
            yield f"pass@{k}", _pass(asked, k)
        yield f"majority@{asked}", _majority
    yield "within_variance", lambda scores, _: within_variance([scores]) or 0.0
    yield "consistency", lambda _, answers: consistency([answers]) or 0.0


def _steps(asked: int) -> list[int]:
    """List 1, 2, 4 and so on, and how often documents were asked."""
    return [*(2**step for step in range(asked.bit_length()) if 2**step < asked), asked]


def _pass(asked: int, k: int) -> _Kind:
    return lambda scores, _: pass_at_k(round(sum(scores)), asked, k)


def _majority(scores: Sequence[float], answers: Sequence[int | None]) -> float:
    return majority_at_k(answers, scores) or 0.0


def _figure(
    name: str,
    values: Sequence[float],
    clusters: Sequence[str | None],
    plan: ScoringPlan,
    drawing: Drawing,
) -> RepeatFigureDict:
    spec = MetricSpec(
        name=name,
        function=None,
        aggregation=AGGREGATIONS["mean"],
        aggregation_name="mean",
        higher_is_better=None,
    )
    row: AggregateDict = {
        "metric": name,
        "filter": "",
        "value": mean(values),
        "stderr": None,
        "ci95": None,
        "n": len(values),
        "higher_is_better": None,
    }
    add_spread(row, spec, values, clusters, plan, drawing)
    return {
        "figure": name,
        "value": mean(values),
        "stderr": row.get("stderr_clustered", row["stderr"]),
        "ci95": row["ci95"],
        "n": len(values),
        "method": row.get("method", ""),
    }
