"""A request that has no answer yet, for those who want to know what a run waits for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A request on its way.

    Attributes:
        task: Name of the task it belongs to; empty where it belongs to none.
        doc_id: Position of the document, or -1.
        attempts_made: Attempts begun; zero while it waits for its turn.
        state: ``sent`` or ``failed``: what became of the last attempt; empty before.
        since: When that was, by the engine's clock.
    """

    task: str
    doc_id: int
    attempts_made: int
    state: str
    since: float
