"""An endpoint that is gone: found out, waited for, and the run stopped if it stays away.

A request that fails for want of an endpoint looks like one that the endpoint cannot
bear. What tells them apart is another request: before one is given up, a tiny one of our
own is sent. Where that is answered, or refused in any way that takes somebody to refuse,
the fault is the request's. Where it fails too, nobody sends until it is answered; what
failed meanwhile is asked again as if it had not been. An answer to anybody is as good as
one to the tiny request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from pytest_evalkit.engine.absence import SharedAbsence
from pytest_evalkit.engine.events import EndpointBack, EndpointGone, Listener
from pytest_evalkit.engine.limiter import Limiter
from pytest_evalkit.errors import (
    ModelError,
    ModelUnavailableError,
    TransientModelError,
)
from pytest_evalkit.messages import Message
from pytest_evalkit.values import Generate, GenerationParameters

PROBE = Generate(
    messages=(Message.of_text("user", "ping"),),
    parameters=GenerationParameters(max_tokens=1),
)
"""The least that an endpoint can be asked."""

STATUSES_OF_ABSENCE = frozenset({502, 503, 504})
"""What a proxy answers whose server is not there, or not ready."""

# One that fails may be one of the many that fail in a bad hour.
_PROBES = 3
_BETWEEN_PROBES_S = 0.2
_FOLLOW_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageRule:
    """How an endpoint that is gone is waited for.

    Attributes:
        longest_s: The most seconds that it may stay away; then the run stops.
        first_wait_s: Seconds from the finding to the next probe; they double.
        cap_s: The most seconds between two probes.
        probe_timeout_s: The most seconds that a probe waits for its answer.
        shared: What the processes of a run tell each other, or None where there is but
            this one.
    """

    longest_s: float = 300.0
    first_wait_s: float = 1.0
    cap_s: float = 15.0
    probe_timeout_s: float = 30.0
    shared: SharedAbsence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What waiting for an endpoint takes.

    Attributes:
        probe: Sends the tiny request; raises what a request raises.
        sleep: How to wait, in seconds.
        clock: Seconds that never go back.
        listener: Hears when the endpoint is found gone, and back; None for nobody.
    """

    probe: Callable[[], Awaitable[None]]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    listener: Listener | None = None


@dataclass(slots=True)
class _Finding:
    """What one request finds out for all that wait; neither where it was cancelled."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    was_gone: bool | None = None
    failure: ModelUnavailableError | None = None


class Outage:
    """Whether the endpoint is there, as one event loop knows.

    Args:
        rule: How it is waited for.
        limiter: Lets nobody in while it is gone.
        means: What that takes.

    Attributes:
        answered_at: When the endpoint last answered anything, by the clock.
    """

    def __init__(self, rule: OutageRule, limiter: Limiter, means: Means) -> None:
        self._rule = rule
        self._limiter = limiter
        self._means = means
        self._finding: _Finding | None = None
        self.answered_at = float("-inf")

    @property
    def is_suspected(self) -> bool:
        """Whether somebody is finding out, or waiting."""
        shared = self._rule.shared
        return self._finding is not None or (shared is not None and shared.held_s() > 0)

    async def outlast(self, failure: TransientModelError) -> bool:
        """Find out whether the endpoint is gone, and wait until it is back.

        Args:
            failure: Why somebody asks.

        Returns:
            True where it was gone, so that the failure says nothing of its request.

        Raises:
            ModelUnavailableError: It did not come back in time.
        """
        while True:
            finding = self._finding
            if finding is None:
                return await self._find(failure)
            await finding.ended.wait()
            if finding.failure is not None:
                raise ModelUnavailableError(str(finding.failure))
            if finding.was_gone is not None:
                return finding.was_gone

    async def _find(self, failure: TransientModelError) -> bool:
        """Find out for everybody."""
        finding = self._finding = _Finding()
        try:
            was_gone = await self._was_gone(failure)
        except ModelUnavailableError as error:
            finding.failure = error
            raise
        else:
            finding.was_gone = was_gone
            return was_gone
        finally:
            # Where this was cancelled, whoever else waits finds out anew.
            self._finding = None
            finding.ended.set()

    async def _was_gone(self, failure: TransientModelError) -> bool:
        shared = self._rule.shared
        is_known = shared is not None and shared.is_on
        if not is_known and await self._is_there():
            return False
        self._limiter.pause()
        try:
            if shared is None:
                await self._keep(failure, self._means.clock())
            elif is_known:
                await self._follow(shared, failure)
            else:
                await self._claim(shared, failure)
        finally:
            self._limiter.resume()
        return True

    async def _is_there(self) -> bool:
        asked_at = self._means.clock()
        for _ in range(_PROBES):
            if self.answered_at > asked_at or await self._answers():
                return True
            await self._means.sleep(_BETWEEN_PROBES_S)
        return self.answered_at > asked_at

    async def _answers(self) -> bool:
        """Ask the tiny request; only who is there can answer or refuse it."""
        try:
            await self._means.probe()
        except TransientModelError as error:
            return _tells_of_life(error)
        except ModelError:
            return True
        return True

    async def _claim(self, shared: SharedAbsence, failure: TransientModelError) -> None:
        """Wait for everybody, unless another process does."""
        if shared.claim():
            await self._keep(failure, self._means.clock())
        else:
            await self._follow(shared, failure)

    async def _follow(
        self, shared: SharedAbsence, failure: TransientModelError
    ) -> None:
        """Wait for whoever waits for the endpoint; take over where that one died."""
        while (said := shared.look()) is not None:
            if said["is_final"]:
                raise self._final(failure)
            if shared.take_over():
                await self._keep(failure, said["since"], is_first=False)
                return
            await self._means.sleep(_FOLLOW_S)

    async def _keep(
        self, failure: TransientModelError, since: float, *, is_first: bool = True
    ) -> None:
        """Probe until the endpoint is back."""
        rule, clock = self._rule, self._means.clock
        if is_first:
            self._tell(EndpointGone(at=clock(), reason=str(failure)))
        wait_s = rule.first_wait_s
        while True:
            left_s = since + rule.longest_s - clock()
            if left_s <= 0:
                if rule.shared is not None:
                    rule.shared.give_up()
                raise self._final(failure)
            wait_s = min(wait_s, left_s)
            if rule.shared is not None:
                rule.shared.hold(wait_s + rule.probe_timeout_s)
            await self._means.sleep(wait_s)
            if self.answered_at > since or await self._answers():
                break
            wait_s = min(rule.cap_s, wait_s * 2)
        if rule.shared is not None:
            rule.shared.end()
        self._tell(EndpointBack(at=clock(), away_s=clock() - since))

    def _final(self, failure: TransientModelError) -> ModelUnavailableError:
        return ModelUnavailableError(
            f"{failure}; it was waited for {self._rule.longest_s:g} s "
            "(--endpoint-outage), and all that was answered is kept: go on with "
            "--resume last"
        )

    def _tell(self, event: EndpointGone | EndpointBack) -> None:
        if self._means.listener is not None:
            self._means.listener(event)


def may_be_outage(error: TransientModelError) -> bool:
    """Tell whether a failure may mean that nobody is there.

    Who asks to wait, or says that it is asked too often, is there.
    """
    if error.retry_after_s is not None:
        return False
    return error.status is None or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _tells_of_life(error: TransientModelError) -> bool:
    """Tell whether a failed probe was refused by the endpoint itself.

    What stands before a server says with three statuses that there is none.
    """
    if error.retry_after_s is not None:
        return True
    return error.status is not None and error.status not in STATUSES_OF_ABSENCE
