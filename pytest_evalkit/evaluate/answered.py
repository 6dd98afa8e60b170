"""What the flow of a document concludes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_evalkit.scoring import Scored
from pytest_evalkit.values import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A document's answers and their scores.

    Attributes:
        responses: One per repeat, as received.
        reasoning: Thought of each response, or None where it had none.
        is_truncated: True when a thought was begun and never ended.
        scored: One per filter.
    """

    responses: Sequence[Response]
    reasoning: tuple[str | None, ...]
    is_truncated: bool
    scored: tuple[Scored, ...]
