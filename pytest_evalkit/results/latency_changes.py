"""By how much the times of requests differ between two runs, and how surely."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.request_log import sample_requests
from pytest_evalkit.stats.floors import sample_floor
from pytest_evalkit.stats.latency_changes import ClusteredTimes, time_changes
from pytest_evalkit.stats.paired import Difference
from pytest_evalkit.stats.request_times import METRICS

LATENCIES = ("ttft_ms", "itl_ms", "e2el_ms")
"""The times that runs are compared by where nobody names others."""

PERCENTS = (50, 90, 95, 99)

_MEDIAN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyChange:
    """One figure of the times of two runs.

    Attributes:
        name: What gates call it, such as ``ttft_ms.p95``.
        values: The figure in the first run and in the second.
        counts: On how many successful requests each rests.
        difference: The second less the first; without interval and p value where it is
            not tested.
        share: The 95 % interval of the difference as a share of the first figure, or
            None.
        method: How it was tested; after ``none: `` why it was not.
        adjusted_p: The p value after Holm's correction over all that is compared; None
            where there is no p value, or before it is made.
    """

    name: str
    values: tuple[float, float]
    counts: tuple[int, int]
    difference: Difference
    share: tuple[float, float] | None
    method: str
    adjusted_p: float | None = None


@dataclass(slots=True)
class _Column:
    """One kind of time: its values, and the documents that they are of."""

    values: array[float] = field(default_factory=lambda: array("d"))
    documents: array[int] = field(default_factory=lambda: array("q"))


class TimedDocuments:
    """The times of a run's successful requests, by document.

    A document is told by its task and its content, so that another run's can be set
    beside it. What belongs together, as the turns of a conversation and the documents of
    one cluster, counts as one.

    Args:
        samples: Samples of the run; a document counts once, however many filters it has.
        names: Which times to read, names of ``stats.METRICS``.

    Attributes:
        keys: Number of each document or cluster, by what it is known by in every run.
    """

    def __init__(
        self, samples: Iterable[SampleDict], names: Iterable[str] = LATENCIES
    ) -> None:
        self._columns = {name: _Column() for name in names}
        self.keys: dict[tuple[str, str, int], int] = {}
        self._documents: set[tuple[str, str, int]] = set()
        known: set[tuple[str, int]] = set()
        alike: Counter[tuple[str, str]] = Counter()
        for sample in samples:
            place = sample["task"], sample["doc_id"]
            if place not in known:
                known.add(place)
                self._add(sample, alike)

    def _add(self, sample: SampleDict, alike: Counter[tuple[str, str]]) -> None:
        task = sample["task"]
        content = sample.get("doc_hash") or f"position {sample['doc_id']}"
        document = (task, content, alike[task, content])
        alike[task, content] += 1
        self._documents.add(document)
        cluster = sample.get("cluster")
        key = document if cluster is None else (task, f"cluster {cluster}", -1)
        number = self.keys.setdefault(key, len(self.keys))
        for request in sample_requests(sample):
            if request.status != "successful":
                continue
            for name, column in self._columns.items():
                value = METRICS[name](request)
                if value is not None:
                    column.values.append(value)
                    column.documents.append(number)

    def is_of_same(self, other: TimedDocuments) -> bool:
        """Tell whether both runs asked the same documents."""
        return (
            self._documents == other._documents
            and self.keys.keys() == other.keys.keys()
        )

    def count(self, name: str) -> int:
        """Count the values of a time."""
        return len(self._columns[name].values)

    def times(
        self, name: str, keys: Mapping[tuple[str, str, int], int]
    ) -> ClusteredTimes:
        """Get the values of a time.

        Args:
            name: Of the time.
            keys: The numbers that documents are to have: its own, or those of another
                run of the same documents.
        """
        column = self._columns[name]
        theirs = [keys[key] for key in self.keys]
        return ClusteredTimes(
            values=column.values,
            clusters=[theirs[number] for number in column.documents],
            count=len(keys),
        )


def latency_changes(
    before: TimedDocuments,
    after: TimedDocuments,
    names: Sequence[str] = LATENCIES,
    percents: Sequence[int] = PERCENTS,
) -> Iterator[LatencyChange]:
    """Compare the means and percentiles of the times that two runs have.

    Args:
        before: The first run.
        after: The second.
        names: Which times; those that a run lacks are left out.
        percents: Which percentiles, from 1 to 100.
    """
    is_paired = before.is_of_same(after)
    for name in names:
        counts = before.count(name), after.count(name)
        if not all(counts):
            continue
        changes = time_changes(
            before.times(name, before.keys),
            after.times(name, before.keys if is_paired else after.keys),
            percents,
            is_paired=is_paired,
        )
        kinds = [None, *percents]
        for percent, change in zip(kinds, changes, strict=True):
            yield _tested(
                LatencyChange(
                    name=f"{name}.{'mean' if percent is None else f'p{percent}'}",
                    values=change.values,
                    counts=counts,
                    difference=change.difference,
                    share=change.share,
                    method=_method(change.difference, is_paired=is_paired),
                ),
                percent,
            )


def _method(difference: Difference, *, is_paired: bool) -> str:
    if difference.interval is None:
        return "none: one document does not tell how documents differ"
    return "paired bootstrap" if is_paired else "bootstrap"


def _tested(change: LatencyChange, percent: int | None) -> LatencyChange:
    """Take the test back where there are too few requests for the figure itself."""
    # A mean needs what the middle of the requests needs.
    floor = sample_floor(_MEDIAN if percent is None else percent)
    fewest = min(change.counts)
    if fewest >= floor:
        return change
    gap = change.difference.value
    return replace(
        change,
        difference=Difference(gap, None, None, None),
        share=None,
        method=f"none: {floor} successful requests are needed, and a run has {fewest}",
    )
