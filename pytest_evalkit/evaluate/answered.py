"""What the flow of a document concludes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from pytest_evalkit.scoring import Scored
from pytest_evalkit.values import AnyResponse


class Answered(Struct, frozen=True, kw_only=True):
    """A document's answers and their scores.

    Attributes:
        responses: Every response in the order of asking: request by request, of each
            its repeats, of each its rounds.
        raw: What was answered, as the record tells it: for each request its answer,
            or the list of its repeats.
        reasoning: Thought of each response, or None where it had none.
        is_truncated: True when a thought was begun and never ended.
        scored: One per filter.
        verdicts: What the judge said, as the record tells it; empty where none was
            asked.
        failure: Which turn of a conversation has no answer, where it is scored all the
            same; else None.
    """

    responses: Sequence[AnyResponse]
    raw: Any
    reasoning: tuple[str | None, ...]
    is_truncated: bool
    scored: tuple[Scored, ...]
    verdicts: Sequence[Mapping[str, Any]] = ()
    failure: str | None = None
