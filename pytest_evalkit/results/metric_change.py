"""One metric of a task in two runs: how it changed, how surely, on which documents."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any

from pytest_evalkit.results.recorded import Answer, Answers, RecordedRun
from pytest_evalkit.scoring import MetricSpec, PairedDifference, paired_difference
from pytest_evalkit.scoring.aggregations import AGGREGATIONS
from pytest_evalkit.scoring.plan import Aggregation
from pytest_evalkit.stats import mean

# Finds how a task aggregates: (run, task, metric) -> the metric, or why it is not found.
FindMetric = Callable[[RecordedRun, str, str], MetricSpec | str]
# Sums in another order differ by as little.
_SAME = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A document that one run did better than the other.

    Attributes:
        name: The document.
        categories: What it is, by column.
        target: The expected answer.
        answers: What the filters made of both answers.
        scores: The score of each.
        is_gain: Whether the second run is the better one.
    """

    name: str
    categories: Mapping[str, str]
    target: Any
    answers: tuple[Any, Any]
    scores: tuple[float, float]
    is_gain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChange:
    """One metric of one task under one filter, in two runs.

    Attributes:
        task: The task.
        filter: The filter.
        metric: The metric.
        higher_is_better: Its direction, or None.
        n: Documents that have it in both runs.
        unmatched: Documents that have it in one run only.
        values: Its aggregate over the documents of both runs.
        paired: The difference, the second run's less the first's.
        adjusted_p: The p value after Holm's correction over all that is compared; None
            where there is no p value.
        flips: The documents that changed, in document order; empty where values are no
            numbers.
    """

    task: str
    filter: str
    metric: str
    higher_is_better: bool | None
    n: int
    unmatched: int
    values: tuple[float, float]
    paired: PairedDifference
    adjusted_p: float | None = None
    flips: Sequence[Flip] = ()

    @property
    def gained(self) -> int:
        """Documents that the second run does better."""
        return sum(flip.is_gain for flip in self.flips)

    @property
    def lost(self) -> int:
        """Documents that the second run does worse."""
        return len(self.flips) - self.gained

    def by_category(self) -> dict[str, dict[str, tuple[int, int]]]:
        """Count the documents gained and lost by column and category."""
        counts: dict[str, Counter[tuple[str, bool]]] = {}
        for flip in self.flips:
            for column, category in flip.categories.items():
                counts.setdefault(column, Counter())[category, flip.is_gain] += 1
        return {
            column: {
                category: (own[category, True], own[category, False])
                for category in sorted({name for name, _ in own})
            }
            for column, own in counts.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """One metric under one filter, in two runs.

    Attributes:
        task: The task.
        filter: The filter.
        metric: The metric.
        runs: The runs.
        all_values: Every value of the metric, run by run.
        before: The first run's answers to the documents that have it in both.
        after: The second run's.
        unmatched: Documents that have it in one run only.
    """

    task: str
    filter: str
    metric: str
    runs: tuple[RecordedRun, RecordedRun]
    all_values: tuple[Sequence[Any], Sequence[Any]]
    before: Sequence[Answer]
    after: Sequence[Answer]
    unmatched: int

    @property
    def values(self) -> tuple[list[Any], list[Any]]:
        return (
            [answer.values[self.metric] for answer in self.before],
            [answer.values[self.metric] for answer in self.after],
        )

    @property
    def clusters(self) -> list[Hashable]:
        return [
            position if cluster is None else cluster
            for position, cluster in enumerate(map(_cluster, self.before, self.after))
        ]

    @property
    def higher_is_better(self) -> bool | None:
        for run in self.runs:
            if run.results is not None:
                directions = run.results["higher_is_better"]
                return directions.get(self.task, {}).get(self.metric)
        return None


def metric_changes(
    task: str,
    runs: tuple[RecordedRun, RecordedRun],
    answers: tuple[Answers, Answers],
    find_metric: FindMetric,
) -> Iterator[MetricChange | str]:
    """Compare every metric of a task that two runs have, filter by filter.

    Args:
        task: The task.
        runs: The two runs.
        answers: Their answers to the task.
        find_metric: Finds how metrics aggregate that are no means.

    Yields:
        What changed, or why a metric cannot be compared.
    """
    for pair in _pairs(task, runs, answers):
        yield _change(pair, find_metric)


def _cluster(before: Answer, after: Answer) -> str | None:
    """Tell what a document shares; not every run says it."""
    return after.cluster if before.cluster is None else before.cluster


def _pairs(
    task: str,
    runs: tuple[RecordedRun, RecordedRun],
    answers: tuple[Answers, Answers],
) -> Iterator[_Pair]:
    for pipeline, first in answers[0].by_filter.items():
        second = answers[1].by_filter.get(pipeline, {})
        for metric in dict.fromkeys(n for each in first.values() for n in each.values):
            one = [key for key, answer in first.items() if metric in answer.values]
            other = {key for key, answer in second.items() if metric in answer.values}
            shared = [key for key in one if key in other]
            if shared:
                yield _Pair(
                    task=task,
                    filter=pipeline,
                    metric=metric,
                    runs=runs,
                    all_values=(
                        [first[key].values[metric] for key in one],
                        [
                            a.values[metric]
                            for a in second.values()
                            if metric in a.values
                        ],
                    ),
                    before=[first[key] for key in shared],
                    after=[second[key] for key in shared],
                    unmatched=len(set(one) ^ other),
                )


def _change(pair: _Pair, find_metric: FindMetric) -> MetricChange | str:
    """Compare one metric, or say why it cannot be compared."""
    values, clusters = pair.values, pair.clusters
    spec = _metric_of(pair, find_metric)
    if isinstance(spec, str):
        return f"{pair.task}: {pair.metric} is not compared: {spec}"
    try:
        first, second = (float(spec.aggregation(list(run))) for run in values)
    # The function may be the task's own and raise anything.
    except Exception as error:  # noqa: BLE001
        return (
            f"{pair.task}: {pair.metric} cannot be aggregated over the "
            f"{len(clusters)} documents of both runs: {type(error).__name__}: {error}"
        )
    try:
        paired = paired_difference(spec, values, (first, second), clusters)
    except OverflowError:
        return f"{pair.task}: {pair.metric} is not compared: its values are too large"
    return MetricChange(
        task=pair.task,
        filter=pair.filter,
        metric=pair.metric,
        higher_is_better=pair.higher_is_better,
        n=len(clusters),
        unmatched=pair.unmatched,
        values=(first, second),
        paired=paired,
        flips=list(_flips(pair)),
    )


def _metric_of(pair: _Pair, find_metric: FindMetric) -> MetricSpec | str:
    """Tell how a metric is aggregated, or why that is not known.

    A mean is known by its figure: the mean of the run's numbers is what it recorded. So
    is the mean of the scores that values of lmms-eval's tasks hold.
    """
    reason = "neither run has a value of it"
    for run, values in zip(pair.runs, pair.all_values, strict=True):
        recorded = run.recorded(pair.task, pair.metric, pair.filter)
        if recorded is None and run.results is not None:
            continue
        if _is_mean(values, recorded):
            return _mean_of(pair.metric, AGGREGATIONS["mean"])
        if run.written_by is not None:
            scores = _scores(run, pair.task)
            if _is_mean(scores(values), recorded):
                return _mean_of(pair.metric, partial(_mean_score, scores))
        found = find_metric(run, pair.task, pair.metric)
        if not isinstance(found, str):
            return found
        reason = found
    return reason


def _mean_of(metric: str, aggregation: Aggregation) -> MetricSpec:
    return MetricSpec(
        name=metric,
        function=None,
        aggregation=aggregation,
        aggregation_name="mean",
        higher_is_better=None,
    )


def _mean_score(scores: Callable[[Sequence[Any]], list[Any]], drawn: Any) -> float:
    return mean(scores(drawn))


def _scores(run: RecordedRun, task: str) -> Callable[[Sequence[Any]], list[Any]]:
    """Make what reads the score in each value of a task of lmms-eval's."""
    configs = {} if run.results is None else run.results["configs"]
    key = configs.get(task, {}).get("score_key") or "score"
    return lambda values: [
        value.get(key) if isinstance(value, Mapping) else value for value in values
    ]


def _is_mean(values: Sequence[Any], recorded: float | None) -> bool:
    if not all(isinstance(value, Real) for value in values):
        return False
    return recorded is None or math.isclose(
        mean(values), recorded, rel_tol=_SAME, abs_tol=_SAME
    )


def _flips(pair: _Pair) -> Iterator[Flip]:
    is_lower_better = pair.higher_is_better is False
    for before, after in zip(pair.before, pair.after, strict=True):
        scores = [_score(each.values[pair.metric]) for each in (before, after)]
        if scores[0] is None or scores[1] is None or scores[0] == scores[1]:
            continue
        yield Flip(
            name=before.name,
            categories=_categories(before, pair.metric),
            target=before.target,
            answers=(before.said, after.said),
            scores=(scores[0], scores[1]),
            is_gain=(scores[1] > scores[0]) != is_lower_better,
        )


def _score(value: Any) -> float | None:
    """Read the number that a value is, or holds as its score."""
    number = value.get("score") if isinstance(value, Mapping) else value
    if isinstance(number, Real) and math.isfinite(number):
        return float(number)
    return None


def _categories(answer: Answer, metric: str) -> Mapping[str, str]:
    """Tell what a document is: by the task's columns, else by what its value says."""
    value = answer.values[metric]
    if answer.categories or not isinstance(value, Mapping):
        return answer.categories
    category = value.get("category")
    return {"category": category} if isinstance(category, str) else {}
