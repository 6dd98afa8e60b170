"""The runs that journals are of: one, or those that a merged run was made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_evalkit.evaluate import SampleDict
from pytest_evalkit.results.journal import RunDict


@dataclass(slots=True)
class Span:
    """When a session ran, in seconds since 1970 (UTC): to the end of its last document."""

    start: float
    end: float


@dataclass(slots=True)
class RunPart:
    """One run, as its journals say.

    Attributes:
        said: What it says of itself, by its first session; None where it does not.
        spans: When its processes ran; one that went on after a kill has several.
    """

    said: RunDict | None = None
    spans: list[Span] = field(default_factory=list)

    @property
    def shard(self) -> tuple[int, int] | None:
        """Which of how many shards it is; None for a run without ``--shard``."""
        if self.said is None or self.said["shard"] is None:
            return None
        index, count = self.said["shard"]
        return index, count


class Parts:
    """Sorts the lines of journals, read one after another, by the run they are of.

    Attributes:
        number: That of the part whose journal is being read; zero but in merged runs.
        by_number: The parts.
    """

    def __init__(self) -> None:
        self.number = 0
        self.by_number: dict[int, RunPart] = {}
        self._span: Span | None = None

    def begin_journal(self) -> None:
        """Tell that another journal begins."""
        self.number, self._span = 0, None

    def begin_part(self, number: int) -> None:
        """Tell which part the journal is of."""
        self.number = number

    def begin_session(self, said: RunDict) -> None:
        """Take in what a process says of its run."""
        part = self.by_number.setdefault(self.number, RunPart())
        if part.said is None or said["started_at"] < part.said["started_at"]:
            part.said = said
        self._span = Span(said["started_at"], said["started_at"])
        part.spans.append(self._span)

    def add(self, sample: SampleDict) -> None:
        """Take in a sample, which says how long its session ran at least."""
        timing = sample.get("timing")
        if self._span is not None and timing is not None:
            end = self._span.start + timing["started_s"] + timing["latency_s"]
            self._span.end = max(self._span.end, end)

    @property
    def started_at(self) -> float:
        """When the first of them began, in seconds since 1970 (UTC); 0 of none."""
        return min((span.start for span in self._spans()), default=0.0)

    @property
    def elapsed_s(self) -> float:
        """Seconds in which at least one of them ran."""
        return covered_s(self._spans())

    def _spans(self) -> list[Span]:
        return [span for part in self.by_number.values() for span in part.spans]


def covered_s(spans: Iterable[Span]) -> float:
    """Add up spans of time, what several cover once.

    >>> covered_s([Span(0.0, 4.0), Span(2.0, 5.0), Span(10.0, 11.0)])
    6.0
    """
    total, reached = 0.0, float("-inf")
    for span in sorted(spans, key=lambda span: span.start):
        total += max(0.0, span.end - max(span.start, reached))
        reached = max(reached, span.end)
    return total
