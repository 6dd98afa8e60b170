"""The times of one request: what was seen, and the figures that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Literal

from msgspec import Struct

RequestStatus = Literal["successful", "errored", "incomplete", "skipped"]


class RequestTimes(Struct, frozen=True, kw_only=True):
    """What was seen of one request.

    A fragment is what one event of a stream adds to the answer: thought, text or a tool
    call, one token or several. An event that only names the role is none. Every figure
    is None where it is not defined, and never zero in its place.

    Attributes:
        status: ``incomplete`` was cut at the end of the run; ``skipped`` was never sent,
            since a turn before it had failed.
        planned_at: When the schedule wanted it, in seconds of the run's clock; None where
            there was no schedule.
        sent_at: When it was handed to the connection; None where it never was.
        ended_at: When the answer was complete or had failed; None where it never was.
        ttft_s: Seconds from sending to the first fragment of any kind, or None.
        ttfo_s: Seconds from sending to the first fragment of visible text, or None.
        gaps_sum_s: Seconds from the first fragment to the last, or None where there were
            fewer than two, or nobody looked.
        input_tokens: Tokens of the whole prompt, or None where nobody counted.
        output_tokens: Tokens of the answer, with thought and tool calls, or None.
        conversation: The conversation that it is a turn of, or None.
        turn: Which client turn of the conversation, from one; None outside one.
    """

    status: RequestStatus
    planned_at: float | None = None
    sent_at: float | None = None
    ended_at: float | None = None
    ttft_s: float | None = None
    ttfo_s: float | None = None
    gaps_sum_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    conversation: str | None = None
    turn: int | None = None

    @property
    def client_queue_ms(self) -> float | None:
        """How long it waited in the client: sent minus planned."""
        return _ms_between(self.planned_at, self.sent_at)

    @property
    def ttft_ms(self) -> float | None:
        """Time to the first fragment of any kind."""
        return None if self.ttft_s is None else self.ttft_s * 1000

    @property
    def ttfo_ms(self) -> float | None:
        """Time to the first fragment of visible text."""
        return None if self.ttfo_s is None else self.ttfo_s * 1000

    @property
    def e2el_ms(self) -> float | None:
        """End-to-end latency: ended minus sent."""
        return _ms_between(self.sent_at, self.ended_at)

    @property
    def e2el_including_queue_ms(self) -> float | None:
        """What a user waits who comes when the schedule says: ended minus planned."""
        return _ms_between(self.planned_at, self.ended_at)

    @property
    def tpot_ms(self) -> float | None:
        """Time per output token: (end-to-end minus first) / (tokens minus one).

        As vLLM's serving benchmark has it. Undefined for fewer than two tokens or
        fragments: a stream of one fragment says nothing of the time between tokens.
        """
        if self.ttft_s is None or self.gaps_sum_s is None:
            return None
        whole_ms = self.e2el_ms
        rest_ms = None if whole_ms is None else whole_ms - self.ttft_s * 1000
        return _per_token(rest_ms, self)

    @property
    def itl_ms(self) -> float | None:
        """Inter-token latency: (last minus first fragment) / (tokens minus one).

        As guidellm has it; undefined as ``tpot_ms`` is.
        """
        if self.gaps_sum_s is None:
            return None
        return _per_token(self.gaps_sum_s * 1000, self)


METRICS: Mapping[str, Callable[[RequestTimes], float | None]] = {
    "ttft_ms": attrgetter("ttft_ms"),
    "ttfo_ms": attrgetter("ttfo_ms"),
    "tpot_ms": attrgetter("tpot_ms"),
    "itl_ms": attrgetter("itl_ms"),
    "e2el_ms": attrgetter("e2el_ms"),
    "e2el_including_queue_ms": attrgetter("e2el_including_queue_ms"),
    "client_queue_ms": attrgetter("client_queue_ms"),
    "isl_tokens": attrgetter("input_tokens"),
    "osl_tokens": attrgetter("output_tokens"),
}
"""What is told of single requests, by its name in results."""


def _ms_between(earlier: float | None, later: float | None) -> float | None:
    return None if earlier is None or later is None else (later - earlier) * 1000


def _per_token(span_ms: float | None, times: RequestTimes) -> float | None:
    tokens = times.output_tokens
    if span_ms is None or tokens is None or tokens < 2:  # noqa: PLR2004 - between two
        return None
    return span_ms / (tokens - 1)
