"""The sessions of a run: the first, and one for each time that it was resumed."""

from __future__ import annotations

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.journal import SessionDict
from pytest_evalkit.results.schema import SessionRowDict


class SessionLog:
    """Learns from the journals when each session was at work.

    How long a session took is told by its samples: one that was killed had nobody left
    to write it down.

    Attributes:
        last: The number of the last session that set out to do anything.
    """

    def __init__(self, last: int = 1) -> None:
        self.last = last
        self._begun: dict[int, SessionDict] = {}
        self._ends: dict[int, float] = {}

    def begin(self, line: SessionDict) -> None:
        """Take in the first line of a journal."""
        known = self._begun.setdefault(line["session"], line)
        known["started_at"] = min(known["started_at"], line["started_at"])

    def see(self, session: int, sample: SampleDict) -> None:
        """Take in that a session wrote a sample."""
        timing = sample.get("timing")
        if timing is not None:
            end = timing["started_s"] + timing["latency_s"]
            self._ends[session] = max(self._ends.get(session, 0.0), end)

    @property
    def earlier_s(self) -> float:
        """How many seconds the sessions before the last one took."""
        return sum(end for session, end in self._ends.items() if session < self.last)

    @property
    def started_at(self) -> float | None:
        """When the first began, in seconds since 1970; None where that is not told."""
        return min((line["started_at"] for line in self._begun.values()), default=None)

    def rows(self) -> list[SessionRowDict]:
        """Write them down."""
        return [
            {
                "session": number,
                "date": line["started_at"],
                "seconds": self._ends.get(number, 0.0),
                "differences": list(line["differences"]),
            }
            for number, line in sorted(self._begun.items())
        ]
