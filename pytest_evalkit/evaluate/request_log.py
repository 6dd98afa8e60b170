"""What became of each request of a document: when it was sent, how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from pytest_evalkit.engine.drive import Ask
from pytest_evalkit.errors import ModelError, RequestCutError
from pytest_evalkit.evaluate.timing import inter_token_s
from pytest_evalkit.values import (
    AnyResponse,
    Exchange,
    Request,
    Response,
    Timing,
    Usage,
)

RequestStatus = Literal["successful", "errored", "incomplete"]


class _Sent(NamedTuple):
    """One request that was sent; times are of ``time.monotonic``."""

    status: RequestStatus
    timing: Timing | None
    usage: Usage | None = None


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
        columns = {**_when(sent, started_at), **_streamed(sent)}
        if len(self._sent) > 1 or len(sent) > 1:
            # The document's own counts are the sum of all.
            for name in ("input_tokens", "output_tokens"):
                columns[name] = [one.usage and getattr(one.usage, name) for one in sent]
        if len(sent) == 1:
            return {name: values[0] for name, values in columns.items()}
        return columns


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
    return (_Sent("successful", response.timing, response.usage),)


def _exchanged(one: Exchange) -> _Sent:
    return _Sent("successful", one.timing, one.usage)


def _when(sent: Sequence[_Sent], started_at: float) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        "request_status": [one.status for one in sent],
        "planned_at_s": [_since(started_at, _planned(one)) for one in sent],
        "sent_at_s": [
            _since(started_at, None if one.timing is None else one.timing.started_at)
            for one in sent
        ],
        "request_s": [_of(one, lambda timing: timing.latency_s) for one in sent],
    }
    waits = [_of(one, lambda timing: timing.waited_s) for one in sent]
    return columns | {"retry_wait_s": waits} if any(waits) else columns


def _streamed(sent: Sequence[_Sent]) -> dict[str, list[Any]]:
    """Tell of single tokens, where an answer was streamed."""
    if all(one.timing is None or one.timing.n_chunks is None for one in sent):
        return {}
    return {
        "ttft_s": [_of(one, lambda timing: timing.ttft_s) for one in sent],
        "ttfo_s": [_of(one, lambda timing: timing.ttfo_s) for one in sent],
        "gaps_sum_s": [_of(one, _span) for one in sent],
        "inter_token_s": [
            _rounded(inter_token_s(one.timing, one.usage)) for one in sent
        ],
        "n_chunks": [one.timing and one.timing.n_chunks for one in sent],
        "bad_frames": [one.timing and one.timing.bad_frames for one in sent],
    }


def _span(timing: Timing) -> float | None:
    return sum(timing.gaps_s) if timing.gaps_s else None


def _planned(one: _Sent) -> float | None:
    return None if one.timing is None else one.timing.planned_at


def _of(one: _Sent, read: Callable[[Timing], float | None]) -> float | None:
    return None if one.timing is None else _rounded(read(one.timing))


def _since(started_at: float, moment: float | None) -> float | None:
    return None if moment is None else round(moment - started_at, 6)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
