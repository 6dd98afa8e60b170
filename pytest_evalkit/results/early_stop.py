"""When a task may end, since the scores so far decide its gates.

Documents are taken in an order drawn by lot, whichever ends first, so that where to
stop follows from their scores alone: not from workers, nor from how long answers take.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pytest_evalkit.results.early_gates import EarlyGate, scores_for
from pytest_evalkit.results.gates import CONFIDENCE
from pytest_evalkit.results.schema import AggregateDict
from pytest_evalkit.scoring import MetricSpec
from pytest_evalkit.stats import BettingSequence

Decided = Literal["pass", "fail"]

# Steps in which the ends of an interval are told.
_STEPS = 2000
_NO_INTERVAL = "none: the task was stopped early, and this is no mean of bounded values"


def drawn_order(documents: Iterable[int], *, seed: int, task: str) -> list[int]:
    """Put documents into an order drawn by lot, the same wherever it is drawn.

    Args:
        documents: Their positions in the split.
        seed: The run's.
        task: Name of the task.

    >>> drawn_order([2, 0, 1], seed=1, task="a") == drawn_order(range(3), seed=1, task="a")
    True
    """

    def lot(document: int) -> bytes:
        return hashlib.sha256(f"{seed}/{task}/{document}".encode()).digest()

    return sorted(documents, key=lot)


def gate_sequence(
    early: EarlyGate, candidates: Any, population: int
) -> BettingSequence:
    """Make what decides a gate.

    Half of what may go wrong is allowed on each side. So a gate is decided exactly where
    its bound leaves an interval of its level; and one with a confidence, which an
    ordinary interval judges at the last document, goes wrong no more often in both.

    Args:
        early: The gate.
        candidates: Its bound, and what else the mean is to be compared with.
        population: Documents of the task.
    """
    return BettingSequence(
        candidates,
        alpha=(1 - early.level) / 2,
        low=early.low,
        high=early.high,
        population=population if early.is_of_these else None,
    )


class _GateWatch:
    """One gate, held against scores as they come."""

    def __init__(self, early: EarlyGate, population: int, *, steps: int) -> None:
        candidates = _candidates(early.low, early.high, steps, early.gate.bound)
        self._sequence = gate_sequence(early, candidates, population)
        self._wants_above = early.wants_above

    def add(self, score: float) -> None:
        """Take in a score; raises ValueError where it is out of range."""
        self._sequence.add(score)

    @property
    def verdict(self) -> Decided | None:
        """What is decided; None while nothing is."""
        if _of_bound(self._sequence.above):
            return "pass" if self._wants_above else "fail"
        if _of_bound(self._sequence.below):
            return "fail" if self._wants_above else "pass"
        return None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Between which numbers the mean is; None where the steps are too large."""
        return _between(self._sequence)


def _candidates(low: float, high: float, steps: int, *first: float) -> Any:
    import numpy as np

    grid = np.linspace(low, high, steps + 1) if steps else ()
    return np.array([*first, *grid])


def _of_bound(flags: Any) -> bool:
    """Get what is said of the first candidate; before any score nothing is, of none."""
    return False if isinstance(flags, bool) else bool(flags[0])


def _between(sequence: BettingSequence) -> tuple[float, float] | None:
    try:
        return sequence.interval()
    except ValueError:
        return None


class StoppingRule:
    """Takes in the scores of a task's documents and tells when they suffice.

    A document without a score, or with one that is out of range, is never passed: what
    it would have been is not known, and so the task runs to its end.

    Args:
        gates: The gates of the task, one at least.
        population: How many documents it has.
        steps: In how many steps intervals are told; 0 where they are not wanted.

    Attributes:
        stopped_at: How many documents decide; None while they do not, and where only
            all of them do.
    """

    def __init__(
        self, gates: Sequence[EarlyGate], population: int, *, steps: int = 0
    ) -> None:
        self._gates = [_GateWatch(one, population, steps=steps) for one in gates]
        self._population = population
        self._waiting: dict[int, Sequence[Any]] = {}
        self._next = 0
        self._is_held = False
        self.stopped_at: int | None = None

    def add(self, position: int, scores: Sequence[Any]) -> None:
        """Take in a document; in any order, and more than once.

        Args:
            position: Its place in the drawn order, from 0.
            scores: Its value for each gate; None where it has none.
        """
        if position >= self._next:
            self._waiting[position] = scores
        while self.stopped_at is None and self._next in self._waiting:
            self._take(self._waiting[self._next])
            if self._is_held:
                return
            del self._waiting[self._next]
            self._next += 1
            is_decided = all(gate.verdict is not None for gate in self._gates)
            if is_decided and self._next < self._population:
                self.stopped_at = self._next

    def _take(self, scores: Sequence[Any]) -> None:
        if self._is_held or not all(isinstance(one, int | float) for one in scores):
            self._is_held = True
            return
        try:
            for gate, score in zip(self._gates, scores, strict=True):
                gate.add(score)
        except ValueError:
            # What was said of the range does not hold, and nothing follows from scores.
            self._is_held = True

    def verdicts(self) -> list[Decided | None]:
        """Tell what is decided of each gate."""
        return [gate.verdict for gate in self._gates]

    def intervals(self) -> list[tuple[float, float] | None]:
        """Tell between which numbers each gate's mean is, at its level."""
        return [gate.interval for gate in self._gates]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyVerdict:
    """What was decided of a gate before all documents had a score.

    Attributes:
        early: The gate.
        verdict: ``pass`` or ``fail``.
        interval: Between which numbers the mean is, at the gate's level; None where
            that cannot be told so finely.
    """

    early: EarlyGate
    verdict: Decided
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStop:
    """How a task came to end before its last document.

    Attributes:
        counted: The documents whose scores decided, in the drawn order.
        saved: Those that were not needed.
        verdicts: What was decided, gate by gate.
    """

    counted: Sequence[int]
    saved: frozenset[int]
    verdicts: Sequence[EarlyVerdict]


def find_stop(
    order: Sequence[int],
    scores: Mapping[int, Mapping[str, Any]],
    gates: Sequence[EarlyGate],
) -> EarlyStop | None:
    """Find where a task could end.

    Args:
        order: Its documents in the drawn order.
        scores: By document, its values by ``metric,filter``.
        gates: Its gates.

    Returns:
        None where its gates are not decided before the last document, or not at all.
    """
    rule = StoppingRule(gates, len(order))
    taken: list[Sequence[Any]] = []
    for position, document in enumerate(order):
        taken.append(scores_for(gates, scores.get(document, {})))
        rule.add(position, taken[-1])
        if rule.stopped_at is not None:
            return EarlyStop(
                counted=order[: position + 1],
                saved=frozenset(order[position + 1 :]),
                verdicts=_verdicts(gates, taken, len(order)),
            )
    return None


def _verdicts(
    gates: Sequence[EarlyGate], taken: Sequence[Sequence[Any]], population: int
) -> list[EarlyVerdict]:
    """Go over the scores that decided once more, now for the intervals too."""
    rule = StoppingRule(gates, population, steps=_STEPS)
    for position, scores in enumerate(taken):
        rule.add(position, scores)
    told = zip(gates, rule.verdicts(), rule.intervals(), strict=True)
    return [
        EarlyVerdict(early=early, verdict=verdict, interval=interval)
        for early, verdict, interval in told
        if verdict is not None
    ]


def add_anytime_intervals(
    rows: Sequence[AggregateDict],
    metrics: Sequence[MetricSpec],
    values_of: Callable[[str, str], Mapping[int, Any]],
    stop: EarlyStop,
) -> None:
    """Put intervals into rows of a stopped task that hold wherever it was stopped.

    Ordinary ones do not, as scores have decided how many there are. A figure that is no
    mean of values between two known numbers has none.

    Args:
        rows: The figures of the task.
        metrics: What its metrics are.
        values_of: Gives the values of a metric under a filter, by document.
        stop: Where it was stopped.
    """
    known = {
        metric.name: metric.range
        for metric in metrics
        if metric.aggregation_name == "mean"
    }
    for row in rows:
        ends = known.get(row["metric"])
        values = values_of(row["metric"], row["filter"])
        ordered = [values.get(document) for document in stop.counted]
        for told in row.get("repeats", ()):
            told["ci95"], told["method"] = None, _NO_INTERVAL
        levels = list(row.pop("intervals", {}))
        row["ci95"] = None
        row["method"] = _NO_INTERVAL
        if ends is None or not all(isinstance(one, int | float) for one in ordered):
            continue
        row["ci95"] = _anytime(ordered, ends, CONFIDENCE)
        row["method"] = "betting sequence"
        asked = {level: _anytime(ordered, ends, float(level)) for level in levels}
        found = {level: one for level, one in asked.items() if one is not None}
        if found:
            row["intervals"] = found


def _anytime(
    values: Iterable[Any], ends: tuple[float, float], level: float
) -> tuple[float, float] | None:
    low, high = ends
    sequence = BettingSequence(
        _candidates(low, high, _STEPS), alpha=(1 - level) / 2, low=low, high=high
    )
    try:
        for value in values:
            sequence.add(value)
    except ValueError:
        # One of them is out of the range that the task tells.
        return None
    return _between(sequence)
