"""Two runs of the same documents: what differs, how surely, and on which documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.latency_changes import LatencyChange
from pytest_evalkit.results.likeness import Divergence, divergences
from pytest_evalkit.results.matching import aligned
from pytest_evalkit.results.metric_change import (
    FindMetric,
    MetricChange,
    metric_changes,
)
from pytest_evalkit.results.recorded import Answers, RecordedRun, read_answers
from pytest_evalkit.stats import holm_of_tested


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """A run set beside another.

    Attributes:
        first: The run that is compared with.
        second: The run that is compared.
        changes: One for each task, filter and metric that both have.
        divergences: What differs besides the model.
        missing: Why something could not be compared, one line each.
        latency: What changed in the times of their requests, where that was asked for.
    """

    first: RecordedRun
    second: RecordedRun
    changes: Sequence[MetricChange]
    divergences: Sequence[Divergence]
    missing: Sequence[str] = field(default=())
    latency: Sequence[LatencyChange] = ()


def compare_runs(
    runs: Sequence[RecordedRun], find_metric: FindMetric, *, is_forced: bool = False
) -> list[RunComparison]:
    """Compare each run but the first with the first.

    p values are adjusted over everything that is compared.

    Args:
        runs: Two at least.
        find_metric: Finds how metrics aggregate that are no means.
        is_forced: Whether to compare although documents or tasks are not the same.

    Raises:
        ResultsError: They have no document in common, or documents or versions of a task
            differ and ``is_forced`` is not set.
    """
    first, *others = runs
    known: dict[str, Answers] = {}
    compared = [_compared(first, other, known, find_metric) for other in others]
    for comparison in compared:
        _refuse(comparison, is_forced=is_forced)
    p_values = [
        change.paired.difference.p_value
        for comparison in compared
        for change in comparison.changes
    ]
    adjusted = iter(holm_of_tested(p_values))
    return [
        replace(
            comparison,
            changes=[
                replace(change, adjusted_p=next(adjusted))
                for change in comparison.changes
            ],
        )
        for comparison in compared
    ]


def _refuse(comparison: RunComparison, *, is_forced: bool) -> None:
    grave = [each for each in comparison.divergences if each.is_grave]
    if grave and not is_forced:
        reasons = "; ".join(f"{each.task}: {each.message}" for each in grave)
        raise ResultsError(
            f"{comparison.first.path} and {comparison.second.path} cannot be compared: "
            f"{reasons}; --anyway compares what they have in common"
        )
    if not comparison.changes:
        why = "; ".join(comparison.missing) or "they have no document in common"
        raise ResultsError(
            f"there is nothing to compare in {comparison.first.path} and "
            f"{comparison.second.path}: {why}"
        )


def _compared(
    first: RecordedRun,
    second: RecordedRun,
    known: dict[str, Answers],
    find_metric: FindMetric,
) -> RunComparison:
    changes: list[MetricChange] = []
    differences: list[Divergence] = []
    missing = list(_missing(first, second))
    for task in first.samples:
        if task not in second.samples:
            continue
        if task not in known:
            known[task] = read_answers(first.samples[task])
        pair = known[task], read_answers(second.samples[task])
        is_foreign = bool(first.written_by or second.written_by)
        answers = aligned(pair, is_foreign=is_foreign)
        differences += divergences(task, (first, second), answers)
        for change in metric_changes(task, (first, second), answers, find_metric):
            if isinstance(change, str):
                missing.append(change)
            else:
                changes.append(change)
    return RunComparison(
        first=first,
        second=second,
        changes=changes,
        divergences=differences,
        missing=missing,
    )


def _missing(first: RecordedRun, second: RecordedRun) -> Iterator[str]:
    for one, other in ((first, second), (second, first)):
        for task in one.samples:
            if task not in other.samples:
                yield f"{other.path} has no samples of {task}"
