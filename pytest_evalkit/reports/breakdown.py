"""The scores of a task's documents by what they are: category, subject, length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.reports.standing import Standing, value_of
from pytest_evalkit.scoring import MetricSpec
from pytest_evalkit.scoring.aggregations import AGGREGATIONS
from pytest_evalkit.scoring.intervals import spread_of
from pytest_evalkit.stats import mean

# A column with more values than this tells documents apart rather than kinds of them.
_MOST_VALUES = 100
# By these names scorers of lmms-eval put what a document is into a metric's value.
_NAMES = ("category", "sub_category", "l2_category", "subject", "subdomain", "domain")
_MEAN = MetricSpec(
    name="mean",
    function=None,
    aggregation=AGGREGATIONS["mean"],
    aggregation_name="mean",
    higher_is_better=None,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The documents of one kind.

    Attributes:
        name: What they have in common.
        n: How many have a number.
        value: The mean of their numbers.
        stderr: Its standard error, that of clusters where there are some; None of fewer
            than two.
        ci95: Its 95 % interval, made as those of means in results; None where there is
            none.
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


@dataclass(slots=True)
class _Kind:
    """The documents of one kind: their scores, and what each shares with others."""

    scores: list[float] = field(default_factory=list)
    clusters: list[str | None] = field(default_factory=list)


class Breakdowns:
    """Gathers the scores of documents by what they are."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str, str, str], dict[str, _Kind]] = {}

    def add(self, sample: SampleDict, standing: Standing) -> None:
        """Take in one sample."""
        if standing.score is None or standing.metric is None:
            return
        for column, name in categories_of(sample).items():
            key = (sample["task"], sample["filter"], column, standing.metric)
            kinds = self._kinds.setdefault(key, {})
            if name in kinds or len(kinds) <= _MOST_VALUES:
                kind = kinds.get(name)
                if kind is None:
                    kind = kinds[name] = _Kind()
                kind.scores.append(standing.score)
                kind.clusters.append(sample.get("cluster"))

    def __iter__(self) -> Iterator[Breakdown]:
        """List the breakdowns that tell something."""
        for (task, pipeline, column, metric), kinds in self._kinds.items():
            if not 1 < len(kinds) <= _MOST_VALUES:
                continue
            if all(len(each.scores) == 1 for each in kinds.values()):
                continue
            yield Breakdown(
                task=task,
                filter=pipeline,
                column=column,
                metric=metric,
                shares=tuple(
                    share_of(name, kind.scores, kind.clusters)
                    for name, kind in sorted(kinds.items())
                ),
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
        value = value_of(sample, metric)
        if isinstance(value, dict):
            texts = {name: value.get(name) for name in _NAMES}
            found.update(
                {name: text for name, text in texts.items() if isinstance(text, str)}
            )
    return found


def share_of(
    name: str, scores: Sequence[float], clusters: Sequence[str | None]
) -> Share:
    """Tell a mean, as sure as results tell means: in clusters where there are some.

    Args:
        name: What the documents have in common.
        scores: A number for each; at least one.
        clusters: What each shares with others, or None.
    """
    value = mean(scores)
    shared = [
        position if cluster is None else cluster
        for position, cluster in enumerate(clusters)
    ]
    spread = spread_of(_MEAN, scores, value, shared)
    return Share(
        name=name,
        n=len(scores),
        value=value,
        stderr=spread.stderr,
        ci95=spread.ci95,
    )
