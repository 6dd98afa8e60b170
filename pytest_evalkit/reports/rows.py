"""The figures of a run as rows that every report shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_evalkit.results.schema import AggregateDict, ResultsDict


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One aggregated metric of one task under one filter.

    Attributes:
        task: Alias of the task.
        is_first: True for the first row of its task.
        pipeline: Name of the filter.
        num_fewshot: Worked examples in each prompt.
        metric: Name of the metric.
        higher_is_better: Its direction, or None.
        n: Documents that have the metric.
        value: The figure, or None.
        stderr: Its standard error, or None.
        ci95: Its 95 % interval, or None.
        scored: Documents of the task that have a score.
        selected: Documents that the run set out to do.
        error: Why the metric could not be aggregated, or None.
    """

    task: str
    is_first: bool
    pipeline: str
    num_fewshot: int
    metric: str
    higher_is_better: bool | None
    n: int
    value: float | None
    stderr: float | None
    ci95: tuple[float, float] | None
    scored: int
    selected: int
    error: str | None

    @property
    def is_covered(self) -> bool:
        """Whether every document that was to run has a score."""
        return self.scored == self.selected

    @property
    def coverage(self) -> str:
        """How many documents have a score, of how many."""
        return f"{self.scored}/{self.selected}"

    @property
    def figure(self) -> str:
        """The value as text: four decimals, ``n/a`` where there is none."""
        if self.error is not None:
            return "error"
        return "n/a" if self.value is None else f"{self.value:.4f}"

    @property
    def spread(self) -> str:
        """The standard error as text: empty where there is none."""
        return "" if self.stderr is None else f"{self.stderr:.4f}"


def rows_of(results: ResultsDict) -> Iterator[Row]:
    """List the figures of a run, task by task in its own order."""
    for task, aggregates in results["aggregates"].items():
        for position, aggregate in enumerate(aggregates):
            yield _row(results, task, aggregate, is_first=position == 0)


def _row(
    results: ResultsDict, task: str, aggregate: AggregateDict, *, is_first: bool
) -> Row:
    coverage = results["coverage"][task]
    low_high = aggregate["ci95"]
    return Row(
        task=results["results"][task].get("alias", task),
        is_first=is_first,
        pipeline=aggregate["filter"],
        num_fewshot=results["n-shot"][task],
        metric=aggregate["metric"],
        higher_is_better=aggregate["higher_is_better"],
        n=aggregate["n"],
        value=aggregate["value"],
        stderr=aggregate["stderr"],
        ci95=(low_high[0], low_high[1]) if low_high is not None else None,
        scored=coverage["scored"],
        selected=coverage["selected"],
        error=aggregate.get("error"),
    )
