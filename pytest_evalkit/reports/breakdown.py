"""The scores of a task's documents by what they are: category, subject, length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.reports.standing import Standing, value_of
from pytest_evalkit.stats import mean, standard_error, t_interval, wilson_interval

# A column with more values than this tells documents apart rather than kinds of them.
_MOST_VALUES = 100
# By these names scorers of lmms-eval put what a document is into a metric's value.
_NAMES = ("category", "sub_category", "l2_category", "subject", "subdomain", "domain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The documents of one kind.

    Attributes:
        name: What they have in common.
        n: How many have a number.
        value: The mean of their numbers.
        stderr: Its standard error, or None of fewer than two.
        ci95: Its 95 % interval, Wilson's where all numbers are 0 or 1, else Student's;
            None where there is none.
    """

    name: str
    n: int
    value: float
    stderr: float | None
    ci95: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """The documents of a task by one column.

    Attributes:
        task: The task.
        filter: The filter whose answers were scored.
        column: What the documents are told apart by.
        metric: What the means are of.
        shares: At least two, by name.
    """

    task: str
    filter: str
    column: str
    metric: str
    shares: tuple[Share, ...]

    @property
    def is_share(self) -> bool:
        """Whether every mean lies between 0 and 1, and so can be drawn as a part."""
        return all(0 <= share.value <= 1 for share in self.shares)


class Breakdowns:
    """Gathers the scores of documents by what they are."""

    def __init__(self) -> None:
        self._scores: dict[tuple[str, str, str, str], dict[str, list[float]]] = {}

    def add(self, sample: SampleDict, standing: Standing) -> None:
        """Take in one sample."""
        if standing.score is None or standing.metric is None:
            return
        for column, name in categories_of(sample).items():
            key = (sample["task"], sample["filter"], column, standing.metric)
            scores = self._scores.setdefault(key, {})
            if name in scores or len(scores) <= _MOST_VALUES:
                scores.setdefault(name, []).append(standing.score)

    def __iter__(self) -> Iterator[Breakdown]:
        """List the breakdowns that tell something."""
        for (task, pipeline, column, metric), scores in self._scores.items():
            if not 1 < len(scores) <= _MOST_VALUES:
                continue
            if all(len(each) == 1 for each in scores.values()):
                continue
            yield Breakdown(
                task=task,
                filter=pipeline,
                column=column,
                metric=metric,
                shares=tuple(_share(name, scores[name]) for name in sorted(scores)),
            )


def categories_of(sample: SampleDict) -> dict[str, str]:
    """Tell what a document is, by column.

    Where the task names no columns, the texts that a metric's value holds under a name
    such as ``category`` are taken.
    """
    named = sample.get("categories")
    if named:
        return dict(named)
    found: dict[str, str] = {}
    for metric in sample["metrics"]:
        value: Any = value_of(sample, metric)
        if isinstance(value, dict):
            texts = {name: value.get(name) for name in _NAMES}
            found.update(
                {name: text for name, text in texts.items() if isinstance(text, str)}
            )
    return found


def _share(name: str, scores: list[float]) -> Share:
    value, stderr = mean(scores), standard_error(scores)
    if {*scores} <= {0.0, 1.0}:
        ci95 = wilson_interval(value, len(scores))
    elif stderr is None:
        ci95 = None
    else:
        ci95 = t_interval(value, stderr, len(scores) - 1)
    return Share(name=name, n=len(scores), value=value, stderr=stderr, ci95=ci95)
