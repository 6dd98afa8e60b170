"""How much worse a run's figures are than a baseline's, for the gates that ask."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.baseline import Baseline
from pytest_evalkit.results.latency_changes import (
    LatencyChange,
    TimedDocuments,
    latency_changes,
)
from pytest_evalkit.results.likeness import divergences
from pytest_evalkit.results.matching import aligned
from pytest_evalkit.results.metric_change import (
    FindMetric,
    MetricChange,
    metric_changes,
)
from pytest_evalkit.results.recorded import Answers, RecordedRun
from pytest_evalkit.stats.request_times import METRICS

_PERCENTILE = re.compile(r"p(\d{1,2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """How much worse one metric is than in the baseline.

    Attributes:
        value: The drop over the documents of both; above 0 where the run is worse.
        stderr: Its standard error, or None.
        interval: Its 95 % interval, or None.
        p_value: How likely as large a difference is where there is none; None where
            that is not known.
        method: How these came about.
        n: Documents that have the metric in both.
        before: The metric's value in the baseline, over these documents.
        after: The same in the run.
        floor: The worst value that is accepted whatever the baseline's; or None.
        is_lower_better: Whether a drop is a rise.
        notes: What else differs between the two, one line each.
    """

    value: float
    stderr: float | None
    interval: tuple[float, float] | None
    p_value: float | None
    method: str
    n: int
    before: float
    after: float
    floor: float | None = None
    is_lower_better: bool = False
    notes: Sequence[str] = ()


@dataclass(slots=True, kw_only=True)
class _Compared:
    """What comparing one task gave: what changed, or why that is not known."""

    changes: dict[tuple[str, str], MetricChange] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Drops:
    """Compares a run with its baseline, task by task as gates ask.

    Args:
        baseline: What the run is held against, or why that cannot be read.
        run: The run, with what it concludes but for its gates.
        answers_of: Reads the run's answers to a task.
        find_metric: Finds how metrics aggregate that are no means.
        samples: Reads all samples of the run; None where nobody can.
    """

    def __init__(
        self,
        baseline: Baseline | str,
        run: RecordedRun,
        answers_of: Callable[[str], Answers],
        find_metric: FindMetric,
        samples: Callable[[], Iterable[SampleDict]] | None = None,
    ) -> None:
        self._baseline = baseline
        self._run = run
        self._answers_of = answers_of
        self._find_metric = find_metric
        self._samples = samples
        self._by_task: dict[str, _Compared] = {}

    @property
    def before(self) -> RecordedRun | str:
        """What the run is held against, or why that cannot be read."""
        baseline = self._baseline
        return baseline if isinstance(baseline, str) else baseline.run

    def of(self, task: str, metric: str, pipeline: str) -> Drop | str:
        """Tell how much worse a metric is, or why that cannot be told.

        Args:
            task: The task.
            metric: The metric.
            pipeline: The filter.
        """
        baseline = self._baseline
        if isinstance(baseline, str):
            return baseline
        if task not in self._by_task:
            self._by_task[task] = self._compared(task, baseline)
        compared = self._by_task[task]
        change = compared.changes.get((metric, pipeline))
        if change is None:
            missing = f"{baseline.run.path} has no {metric},{pipeline} of {task!r}"
            why = compared.problems or [f"the baseline {missing}"]
            return "; ".join(why)
        floor = baseline.floors.get((task, metric, pipeline))
        return _drop(change, floor, compared.notes)

    def of_latency(self, name: str) -> LatencyChange | str:
        """Tell by how much a figure of times differs, or why that is not tested.

        Args:
            name: Such as ``ttft_ms.p95``.
        """
        metric, _, statistic = name.partition(".")
        percent = _PERCENTILE.fullmatch(statistic)
        is_tested = percent is not None or statistic == "mean"
        if metric not in METRICS or not is_tested:
            return "only means and percentiles of the times of requests are tested"
        timed = self._timed
        if isinstance(timed, str):
            return timed
        percents = [] if percent is None else [int(percent[1])]
        changes = {one.name: one for one in latency_changes(*timed, [metric], percents)}
        if name not in changes:
            return f"the samples of one of the runs have no {metric}"
        return changes[name]

    @cached_property
    def _timed(self) -> tuple[TimedDocuments, TimedDocuments] | str:
        """Read the times of both runs, or say why that cannot be done."""
        baseline = self._baseline
        if isinstance(baseline, str):
            return baseline
        if not baseline.run.samples or self._samples is None:
            return f"there are no samples of {baseline.run.path} to test it by"
        try:
            before = TimedDocuments(baseline.run.all_samples(), METRICS)
            return before, TimedDocuments(self._samples(), METRICS)
        except ResultsError as error:
            return str(error)

    def _compared(self, task: str, baseline: Baseline) -> _Compared:
        compared = _Compared()
        try:
            own, notes = baseline.beside(task, self._answers_of(task))
            is_foreign = baseline.run.written_by is not None
            answers = aligned((baseline.answers(task), own), is_foreign=is_foreign)
            compared.notes.extend(notes)
        except ResultsError as error:
            compared.problems.append(str(error))
            return compared
        runs = baseline.run, self._run
        for divergence in divergences(task, runs, answers):
            kind = compared.problems if divergence.is_grave else compared.notes
            kind.append(divergence.message)
        if compared.problems:
            compared.problems = [
                f"the baseline {runs[0].path} is of something else: "
                + "; ".join(compared.problems)
            ]
            return compared
        for change in metric_changes(task, runs, answers, self._find_metric):
            if isinstance(change, str):
                compared.problems.append(change)
            else:
                compared.changes[change.metric, change.filter] = change
        return compared


def _drop(change: MetricChange, floor: float | None, notes: Sequence[str]) -> Drop:
    """Turn a difference round so that above 0 is worse."""
    difference = change.paired.difference
    is_lower_better = change.higher_is_better is False
    sign = 1 if is_lower_better else -1
    interval = difference.interval
    if interval is not None and not is_lower_better:
        interval = (-interval[1], -interval[0])
    return Drop(
        # A zero without a sign.
        value=sign * difference.value + 0.0,
        stderr=difference.stderr,
        interval=interval,
        p_value=difference.p_value,
        method=change.paired.method,
        n=change.n,
        before=change.values[0],
        after=change.values[1],
        floor=floor,
        is_lower_better=is_lower_better,
        notes=tuple(notes),
    )
