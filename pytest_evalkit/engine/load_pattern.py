"""Load patterns: when requests are to be sent, drawn before any is.

A schedule that is drawn beforehand does not wait for a slow server, so that its slow
moments are met as often as its quick ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count, islice, repeat, takewhile
from random import Random
from typing import Literal

from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import suggestion

PatternName = Literal[
    "synchronous",
    "concurrency",
    "max_throughput",
    "poisson",
    "constant",
    "conversation",
]
PATTERNS: Mapping[str, PatternName] = {
    "synchronous": "synchronous",
    "concurrency": "concurrency",
    "max_throughput": "max_throughput",
    "poisson": "poisson",
    "constant": "constant",
    "conversation": "conversation",
}
SEED = 42
"""Seed of a schedule that is drawn, where none is said."""

_CLOSED = {"synchronous", "concurrency", "conversation"}
_TIMED = {"poisson", "constant"}
# Which setting may stand with which pattern.
_TAKES: Mapping[str, frozenset[str]] = {
    "concurrency": frozenset({"concurrency", "conversation"}),
    "target_qps": frozenset(_TIMED),
    "burstiness": frozenset(_TIMED),
    "max_concurrency": frozenset({"max_throughput", *_TIMED}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPattern:
    """How requests follow each other; made by ``load_pattern``, which checks it.

    Attributes:
        name: ``synchronous`` has one in flight, ``concurrency`` several, each followed
            by the next when it ends; ``max_throughput`` sends all at once; ``poisson``
            and ``constant`` send by the clock; ``conversation`` has several
            conversations active, with one request of each in flight.
        concurrency: How many are in flight, or how many conversations are active; None
            where the pattern has no such number.
        target_qps: Requests per second that are to be sent; None without a clock.
        burstiness: Shape of the gamma distribution of gaps: 1 for those of a Poisson
            process, less for bursts, more for evenness; None for the pattern's own.
        max_concurrency: The most that may be in flight where the pattern has no number
            of its own; None for no bound. What waits for it waits in the client.
    """

    name: PatternName
    concurrency: int | None = None
    target_qps: float | None = None
    burstiness: float | None = None
    max_concurrency: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether requests are sent however long the answers take."""
        return self.name not in _CLOSED

    @property
    def is_timed(self) -> bool:
        """Whether requests are sent by the clock."""
        return self.name in _TIMED

    @property
    def is_drawn(self) -> bool:
        """Whether its schedule depends on a seed."""
        has_gaps = self.name == "poisson" or self.burstiness is not None
        return self.target_qps is not None and has_gaps

    @property
    def places(self) -> int | None:
        """How many may be in flight, or active conversations; None for no bound."""
        if self.name == "synchronous":
            return 1
        return self.max_concurrency if self.is_open else self.concurrency


def load_pattern(name: str, **settings: float | None) -> LoadPattern:
    """Make a load pattern of what the user said.

    Args:
        name: One of ``PATTERNS``.
        settings: Fields of ``LoadPattern``; None for what was not said.

    Raises:
        OptionError: There is no such pattern; a setting is missing, out of range, or
            of no use to the pattern.
    """
    if name not in PATTERNS:
        raise OptionError(
            f"unknown load pattern {name!r}; {suggestion(name, PATTERNS)}"
        )
    given = {key: value for key, value in settings.items() if value is not None}
    for key, value in given.items():
        _check(name, key, value)
    for key in ("concurrency", "target_qps"):
        if name in _TAKES[key] and key not in given:
            raise OptionError(f"the load pattern {name} needs {key}")
    numbers = {
        key: int(value) if key.endswith("concurrency") else value
        for key, value in given.items()
    }
    return LoadPattern(name=PATTERNS[name], **numbers)  # type: ignore[arg-type]


def arrivals(pattern: LoadPattern, rng: Random) -> Iterator[float | None]:
    """Draw when each request is to be sent, without an end.

    The first is sent at once. Gaps of a clock are gamma distributed, with the mean
    ``1 / target_qps``; those of ``constant`` are all alike where no burstiness is said.

    Args:
        pattern: How requests follow each other.
        rng: Seeded by the run, so that a schedule can be drawn again.

    Returns:
        Seconds from the beginning of the run, never falling; None for when another
        request has ended.
    """
    if not pattern.is_open:
        return repeat(None)
    if pattern.target_qps is None:
        return repeat(0.0)
    shape = pattern.burstiness
    if shape is None and pattern.name == "constant":
        return _even(pattern.target_qps)
    return _drawn(pattern.target_qps, 1.0 if shape is None else shape, rng)


def planned(
    pattern: LoadPattern,
    rng: Random,
    *,
    n_requests: int | None = None,
    duration_s: float | None = None,
) -> Iterator[float | None]:
    """Draw a schedule that ends.

    Args:
        pattern: How requests follow each other.
        rng: Seeded by the run.
        n_requests: The most requests; None for as many as there is time for.
        duration_s: The schedule ends before this moment. Where requests follow each
            other instead of a clock, only whoever sends them can tell.

    Raises:
        ValueError: Nothing ends the schedule.
    """
    if n_requests is None and (duration_s is None or pattern.target_qps is None):
        raise ValueError("a schedule ends by a number of requests, or by the clock")
    times = arrivals(pattern, rng)
    if duration_s is not None:
        times = takewhile(lambda time: time is None or time < duration_s, times)
    return islice(times, n_requests)


def share_of_schedule(
    times: Iterator[float | None], worker: int, workers: int
) -> Iterator[float | None]:
    """Take one worker's part of a schedule that all workers draw alike.

    All parts together are the schedule of a single process, request by request.

    Args:
        times: As ``arrivals`` or ``planned`` draws them.
        worker: Which of the workers, from zero.
        workers: How many there are.
    """
    return islice(times, worker, None, workers)


def _even(target_qps: float) -> Iterator[float]:
    # Multiplied and not added up, so that errors of rounding do not.
    return (place / target_qps for place in count())


def _drawn(target_qps: float, shape: float, rng: Random) -> Iterator[float]:
    time = 0.0
    while True:
        yield time
        time += rng.gammavariate(shape, 1 / (shape * target_qps))


def _check(name: str, key: str, value: float) -> None:
    if key not in _TAKES:
        raise OptionError(f"unknown load setting {key!r}; {suggestion(key, _TAKES)}")
    if name not in _TAKES[key]:
        takers = ", ".join(sorted(_TAKES[key]))
        raise OptionError(
            f"the load pattern {name} has no {key}, which is for {takers}; leave it out"
        )
    if key.endswith("concurrency"):
        if not 1 <= value < math.inf or value != int(value):
            raise OptionError(f"{key} must be a whole number from 1, got {value!r}")
    elif not 0 < value < math.inf:
        raise OptionError(f"{key} must be a number above 0, got {value!r}")
