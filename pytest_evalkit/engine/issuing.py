"""When requests may be sent: by a schedule, and until the load ends."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from pytest_evalkit.engine.events import IssuingEnded, Listener
from pytest_evalkit.engine.retry import Attempts
from pytest_evalkit.engine.shared_origin import SharedOrigin
from pytest_evalkit.errors import IssuingEndedError, ModelError, RequestCutError
from pytest_evalkit.values import AnyResponse

# Fewer requests say nothing of the share that fails.
_LEAST_ENDED = 20
DRAIN_S = 240.0
"""Seconds that requests in flight have to end, where nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuingRule:
    """Until when requests are sent.

    Attributes:
        duration_s: Seconds from the first request, or None for as long as there are any.
        drain_s: Seconds that requests in flight then have to end, 0 or more.
        max_error_rate: The largest share of failures, from 0 to 1, with which requests
            are still sent once twenty have ended.
    """

    duration_s: float | None = None
    drain_s: float = DRAIN_S
    max_error_rate: float = 1.0


class Issuing:
    """Lets requests go by a schedule, and none any more when the load has ended.

    One for all engines of a process that ask the model; it belongs to one event loop.

    Args:
        times: When each request is to be sent, in seconds from the first; None for one
            that need not wait.
        rule: Until when.
        clock: Seconds that never go back; the one that times responses.
        listener: Hears when a request is withheld for the first time.
        origin: Tells from when all processes of the run count; None where this one
            counts from its own first request.

    Attributes:
        in_flight: Requests whose time has come and that have not ended.
        on_turn: Called when the time of a request has come; None for nothing.
        is_used: Tells of a planned moment, by the clock, whether another process has
            sent a request at it; None where no other had this part of the schedule.
        begun_at: From when the schedule counts, by the clock; None before the first
            request came.
    """

    def __init__(
        self,
        times: Iterator[float | None],
        rule: IssuingRule,
        clock: Callable[[], float],
        listener: Listener | None = None,
        origin: SharedOrigin | None = None,
    ) -> None:
        self._times = times
        self._rule = rule
        self._clock = clock
        self._listener = listener
        self._origin = origin
        self._beginning = asyncio.Lock()
        self._reason: str | None = None
        self._has_withheld = False
        self._waiting: set[asyncio.Future[None]] = set()
        self._cuts: set[asyncio.Timeout] = set()
        self._timers: list[asyncio.TimerHandle] = []
        self._ended = self._failed = 0
        self.in_flight = 0
        self.on_turn: Callable[[], None] | None = None
        self.is_used: Callable[[float], bool] | None = None
        self.begun_at: float | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing is sent any more."""
        return self._reason is not None

    def withheld(self) -> str | None:
        """Say why a request is not sent; None where it may be.

        To be called for a request that is to be sent.
        """
        if self._reason is not None and not self._has_withheld:
            self._has_withheld = True
            if self._listener is not None:
                self._listener(IssuingEnded(at=self._clock(), reason=self._reason))
        return self._reason

    def refuse_if_ended(self) -> None:
        """Refuse a request where nothing is sent any more.

        Raises:
            IssuingEndedError: So it is.
        """
        reason = self.withheld()
        if reason is not None:
            raise IssuingEndedError(f"not sent: {reason}")

    async def issue(
        self,
        attempts: Attempts,
        ask: Callable[[], Awaitable[AnyResponse]],
        *,
        follows: bool = False,
    ) -> AnyResponse:
        """Ask when it is time.

        Args:
            attempts: Those of the request.
            ask: Gets its answer.
            follows: Whether it could not be asked sooner, since it follows an answer: it
                is then planned no sooner than now.

        Raises:
            IssuingEndedError: It was not sent, since the load had ended.
            RequestCutError: It had no answer when those in flight had to end.
            ModelError: As asking raises it; says when it was planned.
        """
        planned_at = await self._turn(follows=follows)
        self.in_flight += 1
        if self.on_turn is not None:
            self.on_turn()
        try:
            response = await self._uncut(attempts, ask)
        except (ModelError, RequestCutError) as error:
            error.planned_at = planned_at
            if isinstance(error, ModelError):
                self._note(has_failed=True)
            raise
        finally:
            self.in_flight -= 1
        self._note(has_failed=False)
        if planned_at is None or response.timing is None:
            return response
        timing = replace(response.timing, planned_at=planned_at)
        return replace(response, timing=timing)

    async def _turn(self, *, follows: bool) -> float | None:
        """Wait until a request may be sent; tell when that was planned, by the clock."""
        begun_at = await self._begin()
        self.refuse_if_ended()
        planned_at = self._next(begun_at)
        if planned_at is None:
            return None
        if follows:
            planned_at = max(planned_at, self._clock())
        # Timers may be early by the little that loops round to.
        while (wait_s := planned_at - self._clock()) > 0:
            await self._sleep(wait_s)
            self.refuse_if_ended()
        return planned_at

    def _next(self, begun_at: float) -> float | None:
        """Draw when the next request is to be sent; None for at once."""
        for time in self._times:
            if time is None:
                return None
            planned_at = begun_at + time
            if self.is_used is None or not self.is_used(planned_at):
                return planned_at
        raise AssertionError("a schedule has no end of its own")

    async def _sleep(self, seconds: float) -> None:
        """Wait for a time, or for the end of the load."""
        loop = asyncio.get_running_loop()
        place: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(seconds, _wake, place)
        self._waiting.add(place)
        try:
            await place
        finally:
            self._waiting.discard(place)
            timer.cancel()

    async def _uncut(
        self, attempts: Attempts, ask: Callable[[], Awaitable[AnyResponse]]
    ) -> AnyResponse:
        """Ask, but for no longer than those in flight may take after the end."""
        try:
            async with asyncio.timeout(None) as cut:
                self._cuts.add(cut)
                try:
                    return await ask()
                finally:
                    self._cuts.discard(cut)
        except TimeoutError as error:
            if attempts.made == 0:
                # It was still in line for a place.
                self.withheld()
                raise IssuingEndedError(f"not sent: {self._reason}") from error
            waited = f"no answer within {self._rule.drain_s:g} s"
            raise self._cut(attempts, f"cut: {self._reason}, {waited}") from error
        except IssuingEndedError as error:
            if attempts.made == 0:
                raise
            raise self._cut(attempts, f"not sent again: {self._reason}") from error

    def _cut(self, attempts: Attempts, message: str) -> RequestCutError:
        self.withheld()
        error = RequestCutError(message)
        if not attempts.has_failed:
            attempts.fail(self._clock())
        attempts.blame(error)
        return error

    async def _begin(self) -> float:
        """Begin the time of the load with its first request, or see that it is over.

        Returns:
            From when the schedule counts.
        """
        if self.begun_at is None:
            # In the order in which requests came, one asks for all.
            async with self._beginning:
                if self.begun_at is None:
                    self._count_from(await self._moment())
        assert self.begun_at is not None, "it has begun"
        seconds = self._rule.duration_s
        if seconds is not None and self._clock() - self.begun_at >= seconds:
            # The loop whose timer tells so may have stood still, or be gone.
            self._end(_over(seconds))
        return self.begun_at

    async def _moment(self) -> float:
        return self._clock() if self._origin is None else await self._origin.moment()

    def _count_from(self, begun_at: float) -> None:
        self.begun_at = begun_at
        seconds = self._rule.duration_s
        if seconds is None:
            return
        left_s = max(0.0, begun_at + seconds - self._clock())
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(left_s, self._end, _over(seconds)))

    def _note(self, *, has_failed: bool) -> None:
        """Count a request that has ended, and end the load where too many failed."""
        self._ended += 1
        self._failed += has_failed
        most = self._rule.max_error_rate
        if self._ended >= _LEAST_ENDED and self._failed > most * self._ended:
            self._end(
                f"{self._failed} of {self._ended} requests failed, more than "
                f"--max-error-rate {most:g}"
            )

    def _end(self, reason: str) -> None:
        if self.has_ended:
            return
        self._reason = reason
        for place in self._waiting:
            _wake(place)
        loop = asyncio.get_running_loop()
        drain_s = self._rule.drain_s
        if drain_s < math.inf:
            self._timers.append(loop.call_later(drain_s, self._cut_all))

    def _cut_all(self) -> None:
        now = asyncio.get_running_loop().time()
        for cut in tuple(self._cuts):
            cut.reschedule(now)

    def close(self) -> None:
        """Forget what was to happen later."""
        for timer in self._timers:
            timer.cancel()


def _over(seconds: float) -> str:
    return f"the {seconds:g} s of --duration are over"


def _wake(place: asyncio.Future[None]) -> None:
    if not place.done():
        place.set_result(None)
