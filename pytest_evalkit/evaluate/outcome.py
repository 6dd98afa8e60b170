"""What is kept of a document once its samples are on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from pytest_evalkit.evaluate.sample import Status
from pytest_evalkit.evaluate.turn_records import TurnDict


class DocumentOutcome(Struct, frozen=True, kw_only=True):
    """How a document ended.

    Attributes:
        task: Name of its task.
        doc_id: Its position in the split.
        status: Scored, answered where nothing is to be scored, in error, or skipped.
        scores: Value by ``metric,filter``; empty unless scored.
        message: Why there is no score, in one line; None where there is one, or none
            is wanted.
        duration_s: Seconds from its start to its end.
        turns: What became of its turns, where it is a conversation; else empty.
        is_resumed: True where it was not evaluated now, but taken from an earlier
            session of the run.
    """

    task: str
    doc_id: int
    status: Status
    scores: Mapping[str, Any]
    message: str | None
    duration_s: float
    turns: Sequence[TurnDict] = ()
    is_resumed: bool = False

    @property
    def primary(self) -> tuple[str, float] | None:
        """The first score that is a number, with its name."""
        for name, value in self.scores.items():
            if isinstance(value, (int, float)):
                return name, float(value)
        return None
