"""What became of each request of a document: when it was sent, how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pytest_evalkit.engine.drive import Ask
from pytest_evalkit.errors import ModelError, RequestCutError
from pytest_evalkit.evaluate.timing import inter_token_s, rounded
from pytest_evalkit.values import (
    AnyResponse,
    Exchange,
    Request,
    Response,
    Timing,
    Uncounted,
    Usage,
)

RequestStatus = Literal["successful", "errored", "incomplete"]


class _Sent(NamedTuple):
    """One request that was sent; times are of ``time.monotonic``."""

    status: RequestStatus
    timing: Timing | None
    usage: Usage | None = None
    uncounted: Uncounted | None = None


_Read = Callable[[_Sent, float], Any]


class RequestLog:
    """The requests of one document that were sent, in the order of asking.

    What is recalled from a cache was not sent, and has no part in it.
    """

    __slots__ = ("_sent",)

    def __init__(self) -> None:
        self._sent: list[Sequence[_Sent]] = []

    def asking(self, ask: Ask) -> Ask:
        """Listen to what is asked.

        Args:
            ask: Gets the answer to one request.
        """

        async def listened(request: Request) -> AnyResponse:
            place = len(self._sent)
            self._sent.append(())
            try:
                response = await ask(request)
            except ModelError as error:
                self._sent[place] = _failed("errored", error)
                raise
            except RequestCutError as error:
                self._sent[place] = _failed("incomplete", error)
                raise
            self._sent[place] = _answered(response)
            return response

        return listened

    @property
    def uncounted(self) -> Iterator[tuple[Uncounted | None, Usage | None]]:
        """By what tokens of each request are to be counted, and what its server told.

        In the order of ``times``.
        """
        return ((one.uncounted, one.usage) for each in self._sent for one in each)

    def times(self, started_at: float) -> dict[str, Any]:
        """Write what became of the requests.

        Args:
            started_at: ``time.monotonic()`` at the start of the run.

        Returns:
            Fields of ``SampleTiming``, one value each, or a list where several requests
            were sent; empty where none was.
        """
        sent = [one for each in self._sent for one in each]
        if not sent:
            return {}
        fields = dict(_WHEN)
        if any(map(_waited_s, sent)):
            fields |= _WAITING
        if any(map(_is_streamed, sent)):
            fields |= _STREAMED
        if len(self._sent) > 1 or len(sent) > 1:
            # The document's own counts are the sum of all.
            fields |= _COUNTED
        if len(sent) == 1:
            return {name: read(sent[0], started_at) for name, read in fields.items()}
        return {
            name: [read(one, started_at) for one in sent]
            for name, read in fields.items()
        }


def _failed(status: RequestStatus, error: ModelError | RequestCutError) -> tuple[_Sent]:
    if error.sent_at is None:
        return (_Sent(status, None),)
    ended_at = time.monotonic() if error.ended_at is None else error.ended_at
    timing = Timing(
        started_at=error.sent_at,
        latency_s=ended_at - error.sent_at,
        planned_at=error.planned_at,
    )
    return (_Sent(status, timing),)


def _answered(response: AnyResponse) -> Sequence[_Sent]:
    if isinstance(response, Response) and response.exchanges:
        return [_exchanged(one) for one in response.exchanges]
    if response.recalled is not None:
        return ()
    uncounted = response.uncounted if isinstance(response, Response) else None
    return (_Sent("successful", response.timing, response.usage, uncounted),)


def _exchanged(one: Exchange) -> _Sent:
    return _Sent("successful", one.timing, one.usage, one.uncounted)


def _timed(read: Callable[[Timing, float], Any]) -> _Read:
    """Read of a request what is known only where it was timed."""
    return lambda one, started_at: (
        None if one.timing is None else read(one.timing, started_at)
    )


def _waited_s(one: _Sent) -> float | None:
    return None if one.timing is None else rounded(one.timing.waited_s)


def _is_streamed(one: _Sent) -> bool:
    return one.timing is not None and one.timing.n_chunks is not None


def _span(timing: Timing) -> float | None:
    return sum(timing.gaps_s) if timing.gaps_s else None


def _since(started_at: float, moment: float | None) -> float | None:
    return None if moment is None else round(moment - started_at, 6)


# What is told of a request: how it is read of what was sent, and the start of the run.
_WHEN: Mapping[str, _Read] = {
    "request_status": lambda one, _: one.status,
    "planned_at_s": _timed(lambda timing, start: _since(start, timing.planned_at)),
    "sent_at_s": _timed(lambda timing, start: _since(start, timing.started_at)),
    "request_s": _timed(lambda timing, _: rounded(timing.latency_s)),
}
_WAITING: Mapping[str, _Read] = {"retry_wait_s": lambda one, _: _waited_s(one)}
_STREAMED: Mapping[str, _Read] = {
    "ttft_s": _timed(lambda timing, _: rounded(timing.ttft_s)),
    "ttfo_s": _timed(lambda timing, _: rounded(timing.ttfo_s)),
    "gaps_sum_s": _timed(lambda timing, _: rounded(_span(timing))),
    "inter_token_s": lambda one, _: rounded(inter_token_s(one.timing, one.usage)),
    "n_chunks": _timed(lambda timing, _: timing.n_chunks),
    "bad_frames": _timed(lambda timing, _: timing.bad_frames),
}
_COUNTED: Mapping[str, _Read] = {
    "input_tokens": lambda one, _: one.usage and one.usage.input_tokens,
    "output_tokens": lambda one, _: one.usage and one.usage.output_tokens,
}
