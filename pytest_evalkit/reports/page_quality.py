"""Whether documents that were answered slowly did worse: scores by latency."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.reports.breakdown import Share, share_of
from pytest_evalkit.reports.standing import Standing

MOST_TASKS = 4
_MOST_PARTS = 5
# A mean of fewer says nothing.
_LEAST_EACH = 5
_SECOND_MS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The scores of a task's documents by how long their requests took.

    Attributes:
        task: The task.
        filter: The filter whose answers were scored.
        metric: What the means are of.
        parts: From the quickest documents to the slowest, as many in each but for one,
            named by their latencies; at least two.
    """

    task: str
    filter: str
    metric: str
    parts: tuple[Share, ...]

    @property
    def is_share(self) -> bool:
        """Whether every mean lies between 0 and 1, and so can be drawn as a part."""
        return all(0 <= part.value <= 1 for part in self.parts)


@dataclass(slots=True)
class _Documents:
    """Documents of one task: what is known of each, in columns."""

    latencies: array[float] = field(default_factory=lambda: array("d"))
    scores: array[float] = field(default_factory=lambda: array("d"))
    clusters: list[str | None] = field(default_factory=list)


class Qualities:
    """Gathers scores and latencies of documents."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], _Documents] = {}

    def add(
        self, sample: SampleDict, standing: Standing, latency_s: float | None
    ) -> None:
        """Take in a document.

        Args:
            sample: Its sample under one filter.
            standing: How it did.
            latency_s: How long a request of it took, in the mean; None where unknown.
        """
        if standing.score is None or standing.metric is None or latency_s is None:
            return
        key = (sample["task"], sample["filter"], standing.metric)
        documents = self._found.get(key)
        if documents is None:
            documents = self._found[key] = _Documents()
        documents.latencies.append(latency_s)
        documents.scores.append(standing.score)
        documents.clusters.append(sample.get("cluster"))

    @property
    def left_out(self) -> int:
        """How many tasks have the figures and are not listed."""
        return max(0, len(self._telling()) - MOST_TASKS)

    def __iter__(self) -> Iterator[Quality]:
        """List the tasks of the most documents."""
        for task, pipeline, metric in self._telling()[:MOST_TASKS]:
            documents = self._found[task, pipeline, metric]
            yield Quality(
                task=task, filter=pipeline, metric=metric, parts=_parts(documents)
            )

    def _telling(self) -> list[tuple[str, str, str]]:
        """Name what has enough documents, whose latencies differ."""
        found = [
            key
            for key, documents in self._found.items()
            if len(documents.scores) >= 2 * _LEAST_EACH
            and min(documents.latencies) < max(documents.latencies)
        ]
        return sorted(found, key=lambda key: -len(self._found[key].scores))


def _parts(documents: _Documents) -> tuple[Share, ...]:
    latencies = documents.latencies
    order = sorted(range(len(latencies)), key=latencies.__getitem__)
    count = min(_MOST_PARTS, len(order) // _LEAST_EACH)
    edges = [place * len(order) // count for place in range(count + 1)]
    return tuple(
        share_of(
            _span(latencies[order[low]], latencies[order[high - 1]]),
            [documents.scores[place] for place in order[low:high]],
            [documents.clusters[place] for place in order[low:high]],
        )
        for low, high in pairwise(edges)
    )


def _span(low_s: float, high_s: float) -> str:
    if high_s < 1:
        return f"{low_s * _SECOND_MS:.3g} to {high_s * _SECOND_MS:.3g} ms"
    return f"{low_s:,.2f} to {high_s:,.2f} s"
