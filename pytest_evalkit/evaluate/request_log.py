"""What became of each request of a document: when it was sent, how it ended."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

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

# Lets others go first.
Rest = Callable[[], Awaitable[None]]

RequestStatus = Literal["successful", "errored", "incomplete"]


class _Sent(Struct, frozen=True):
    """One request that was sent; times are of ``time.monotonic``."""

    status: RequestStatus
    timing: Timing | None
    usage: Usage | None = None
    uncounted: Uncounted | None = None


class RequestLog:
    """The requests of one document that were sent, in the order of asking.

    What is recalled from a cache was not sent, and has no part in it.
    """

    __slots__ = ("_sent",)

    def __init__(self) -> None:
        self._sent: list[Sequence[_Sent]] = []

    def asking(self, ask: Ask, rest: Rest | None = None) -> Ask:
        """Listen to what is asked.

        Args:
            ask: Gets the answer to one request.
            rest: What is waited for once there is one, before it is given; or None.
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
            if rest is not None:
                await rest()
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
        if len(self._sent) == 1 and len(self._sent[0]) == 1:
            # As with most documents, whose own counts are those of the one request.
            (only,) = self._sent[0]
            return _told(only, started_at, _is_waiting(only), _is_streamed(only))
        sent = [one for each in self._sent for one in each]
        if not sent:
            return {}
        waits, streams = any(map(_is_waiting, sent)), any(map(_is_streamed, sent))
        told = [_told(one, started_at, waits, streams) | _counts(one) for one in sent]
        if len(told) == 1:
            return told[0]
        return {name: [one[name] for one in told] for name in told[0]}


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
    uncounted = None
    if isinstance(response, Response):
        if response.exchanges:
            return [_exchanged(one) for one in response.exchanges]
        uncounted = response.uncounted
    if response.recalled is not None:
        return ()
    return (_Sent("successful", response.timing, response.usage, uncounted),)


def _exchanged(one: Exchange) -> _Sent:
    return _Sent("successful", one.timing, one.usage, one.uncounted)


def _is_waiting(one: _Sent) -> bool:
    timing = one.timing
    return timing is not None and bool(timing.waited_s and rounded(timing.waited_s))


def _is_streamed(one: _Sent) -> bool:
    return one.timing is not None and one.timing.n_chunks is not None


def _told(
    one: _Sent, started_at: float, is_waiting: bool, is_streamed: bool
) -> dict[str, Any]:
    """Tell when a request was sent, and of waiting and of tokens where any has that.

    What is known only of a request that was timed is None of one that was not.
    """
    timing = one.timing
    planned_at = None if timing is None else timing.planned_at
    told = {
        "request_status": one.status,
        "planned_at_s": None
        if planned_at is None
        else rounded(planned_at - started_at),
        "sent_at_s": None
        if timing is None
        else rounded(timing.started_at - started_at),
        "request_s": None if timing is None else rounded(timing.latency_s),
    }
    if is_waiting:
        told["retry_wait_s"] = None if timing is None else rounded(timing.waited_s)
    if is_streamed:
        told.update(_NO_TOKENS if timing is None else _of_tokens(timing, one.usage))
    return told


def _of_tokens(timing: Timing, usage: Usage | None) -> dict[str, Any]:
    return {
        "ttft_s": rounded(timing.ttft_s),
        "ttfo_s": rounded(timing.ttfo_s),
        "gaps_sum_s": rounded(sum(timing.gaps_s)) if timing.gaps_s else None,
        "inter_token_s": rounded(inter_token_s(timing, usage)),
        "n_chunks": timing.n_chunks,
        "bad_frames": timing.bad_frames,
    }


# What is told of the tokens of a request whose times nobody knows.
_NO_TOKENS: Mapping[str, None] = dict.fromkeys(
    _of_tokens(Timing(started_at=0.0, latency_s=0.0), None)
)


def _counts(one: _Sent) -> dict[str, Any]:
    usage = one.usage
    return {
        "input_tokens": None if usage is None else usage.input_tokens,
        "output_tokens": None if usage is None else usage.output_tokens,
    }
