"""The engine: every request of a run passes here on its way to the backend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import overload
from weakref import WeakKeyDictionary

from pytest_evalkit.engine.adaptive import AdaptiveLimit, Decision
from pytest_evalkit.engine.asking import Asking
from pytest_evalkit.engine.attempt import respond_once
from pytest_evalkit.engine.control import Control
from pytest_evalkit.engine.drive import Answering, Ask
from pytest_evalkit.engine.events import Event, LimitSet
from pytest_evalkit.engine.gate import Gate, Sent, held_by
from pytest_evalkit.engine.limiter import Limiter
from pytest_evalkit.engine.ordering import NOTHING, Beginning, beginning_of
from pytest_evalkit.engine.outage import (
    PROBE,
    STATUSES_OF_ABSENCE,
    Means,
    Outage,
    may_be_outage,
)
from pytest_evalkit.engine.place import KeptPlace
from pytest_evalkit.engine.recalling import Recalling
from pytest_evalkit.engine.retry import Attempts, RetryPolicy, Verdict
from pytest_evalkit.engine.spending import Spending
from pytest_evalkit.errors import (
    ModelError,
    ModelUnavailableError,
    TransientModelError,
    WithheldError,
)
from pytest_evalkit.models.backend import Backend
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    LikelihoodRequest,
    LoglikelihoodResponse,
    Origin,
    Request,
    Response,
)

_TOO_MANY_REQUESTS = 429

Sleep = Callable[[float], Awaitable[None]]
Entrance = Limiter | KeptPlace


class Engine:
    """Sends requests to one backend: bounded in number, in order, timed, retried.

    Args:
        backend: Whatever answers.
        policy: When to ask again.
        max_concurrency: The most requests in flight at once, at least one; where the
            limit moves, the one to begin with.
        control: What else to heed.
        rng: Source of the jitter between attempts.
        sleep: How to wait; tests give one that does not.

    Raises:
        OptionError: There is a cache, and the backend does not tell what its answers
            depend on.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        policy: RetryPolicy | None = None,
        max_concurrency: int = 32,
        control: Control | None = None,
        rng: Random | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.backend = backend
        self.policy = policy or RetryPolicy()
        self._control = control or Control()
        self._rng = rng or Random()  # noqa: S311 - jitter, not cryptography
        self._sleep = sleep
        self._asking: dict[Attempts, Origin | None] = {}
        self._has_answered = False
        self._spending = Spending(self._control, self._tell)
        self._fixed_limit = max_concurrency
        cache, timeout_s = self._control.cache, self.policy.timeout_s
        self._recalling = (
            None if cache is None else Recalling(cache, backend, timeout_s)
        )
        rule = self._control.adaptive
        self._adaptive = None if rule is None else AdaptiveLimit(rule, max_concurrency)
        # Who waits belongs to one loop, and Python cases may bring their own.
        self._gates: WeakKeyDictionary[asyncio.AbstractEventLoop, Gate] = (
            WeakKeyDictionary()
        )

    @property
    def asking(self) -> Sequence[Asking]:
        """What was asked and has no answer yet; may be looked up from any thread."""
        return [
            Asking(
                task="" if origin is None else origin.task,
                doc_id=-1 if origin is None else origin.doc_id,
                attempts_made=attempts.made,
                state=attempts.state,
                since=attempts.since,
            )
            for attempts, origin in list(self._asking.items())
        ]

    @property
    def max_concurrency(self) -> int:
        """The most requests in flight at once, now."""
        return self._fixed_limit if self._adaptive is None else self._adaptive.limit

    @overload
    def ask(self, request: Generate) -> Answering[Response]: ...
    @overload
    def ask(self, request: LikelihoodRequest) -> Answering[LoglikelihoodResponse]: ...
    @overload
    def ask(self, request: Request) -> Answering[AnyResponse]: ...
    def ask(self, request: Request) -> Answering[AnyResponse]:
        """Get the answer to one request.

        One that the cache has costs nothing: no place in flight, no wait, no budget.

        Raises:
            ModelUnavailableError: No request will be answered: stop the run.
            ModelError: This request has no answer; ``attempts`` says after how many.
            WithheldError: It was not sent, since nothing is left to spend, or the load
                has ended.
        """
        return self._answer(request, None)

    @asynccontextmanager
    async def keep(self, request: Request) -> AsyncIterator[Ask]:
        """Keep one place in flight, for requests that follow one another.

        Gives what asks in that place, as ``ask`` does, but without going back in line.

        Args:
            request: The first of them, which puts the place in order.

        Raises:
            WithheldError: Nothing is left to spend, or the load has ended.
        """
        gate = self._gate()
        assert isinstance(gate.limiter, Limiter), "it is that of a loop"
        await self._enter(gate.limiter, request, is_first=True)
        place = KeptPlace(gate.limiter)
        try:
            yield partial(self._answer, gate=gate._replace(limiter=place))
        finally:
            place.give_back()

    def _answer(self, request: Request, gate: Gate | None) -> Answering[AnyResponse]:
        if self._recalling is None:
            return self._send(request, gate)
        return self._recalling.answer(request, partial(self._send, gate=gate))

    async def _send(self, request: Request, gate: Gate | None) -> AnyResponse:
        """Ask the backend; between two attempts others take a place that is not kept."""
        is_kept, gate = gate is not None, gate or self._gate()
        attempts = Attempts(self.policy)
        self._asking[attempts] = request.origin
        issuing = self._control.issuing
        try:
            if issuing is None:
                return await self._tried(gate, request, attempts)
            tried = partial(self._tried, gate, request, attempts)
            return await issuing.issue(attempts, tried, follows=is_kept)
        except ModelError as error:
            attempts.blame(error)
            raise
        finally:
            del self._asking[attempts]

    async def _tried(
        self, gate: Gate, request: Request, attempts: Attempts
    ) -> AnyResponse:
        limiter = gate.limiter
        while True:
            await self._enter(limiter, request, is_first=attempts.made == 0)
            attempts.begin(self._control.clock())
            epoch, others = self._epoch, limiter.active - 1
            try:
                response = await self._once(request, self.policy.timeout_s)
            except TransientModelError as error:
                failure = error
                attempts.fail(self._control.clock())
                self._heed(limiter, error, Sent(epoch, others))
            except ModelError:
                attempts.fail(self._control.clock())
                raise
            else:
                self._take_in(response, gate.outage, attempts, epoch)
                return attempts.told_with(response)
            finally:
                limiter.leave()
            await self._wait(gate, failure, attempts, epoch)

    @property
    def _epoch(self) -> int:
        return 0 if self._adaptive is None else self._adaptive.epoch

    def _gate(self) -> Gate:
        loop = asyncio.get_running_loop()
        gate = self._gates.get(loop)
        if gate is None:
            holders = held_by(self._control.shared_pause, self._control.outage)
            limiter = Limiter(lambda: self.max_concurrency, holders)
            gate = Gate(limiter, self._outage(limiter))
            self._gates[loop] = gate
            if len(self._gates) == 1:
                self._tell_limit("start" if self._adaptive else "fixed")
        return gate

    def _outage(self, limiter: Limiter) -> Outage | None:
        control = self._control
        if control.outage is None:
            return None
        means = Means(
            probe=self._probe,
            sleep=self._sleep,
            clock=control.clock,
            listener=control.listener,
        )
        return Outage(control.outage, limiter, means)

    async def _probe(self) -> None:
        """See whether anybody is there.

        Raises:
            ModelError: Nobody is, or somebody who refuses.
        """
        rule = self._control.outage
        assert rule is not None, "only asked where an outage is waited for"
        seconds = min(self.policy.timeout_s, rule.probe_timeout_s)
        response = await self._once(PROBE, seconds)
        if self._control.budget is not None and response.usage is not None:
            self._control.budget.spend(response.usage, self._control.price)

    async def _enter(
        self, limiter: Entrance, request: Request, *, is_first: bool
    ) -> None:
        self._spending.refuse_if_withheld()
        if is_first and limiter.try_enter():
            return
        await limiter.enter(self._beginning(request) if is_first else None)
        try:
            self._spending.refuse_if_withheld()
        except WithheldError:
            limiter.leave()
            raise

    def _beginning(self, request: Request) -> Beginning:
        characters = self._control.prefix_chars
        return NOTHING if characters is None else beginning_of(request, characters)

    def _take_in(
        self,
        response: AnyResponse,
        outage: Outage | None,
        attempts: Attempts,
        epoch: int,
    ) -> None:
        """Note how an attempt went that went well."""
        self._note_answer(outage)
        if self._adaptive is not None:
            now, timing = self._control.clock(), response.timing
            latency_s = now - attempts.since if timing is None else timing.latency_s
            self._move(self._adaptive.completed(epoch, latency_s, now))
        self._spending.count(response.usage)

    def _once(self, request: Request, seconds: float) -> Answering[AnyResponse]:
        return respond_once(
            self.backend, request, seconds, has_answered=self._has_answered
        )

    def _note_answer(self, outage: Outage | None) -> None:
        if outage is not None:
            outage.answered_at = self._control.clock()
            rule = self._control.outage
            if not self._has_answered and rule is not None and rule.shared is not None:
                rule.shared.note_answer()
        self._has_answered = True

    @property
    def _is_known(self) -> bool:
        """Whether the endpoint has answered before, whichever process."""
        rule = self._control.outage
        if self._has_answered or rule is None or rule.shared is None:
            return self._has_answered
        return rule.shared.was_there

    def _heed(self, limiter: Entrance, error: TransientModelError, sent: Sent) -> None:
        """Do what a refusal asks for; to be called while the request is in flight."""
        is_told_to_wait = error.retry_after_s is not None
        if is_told_to_wait:
            limiter.pause()
        is_refusal = is_told_to_wait or error.status == _TOO_MANY_REQUESTS
        if is_refusal and self._adaptive is not None:
            now = self._control.clock()
            self._move(self._adaptive.refused(sent.epoch, sent.others, now))

    async def _wait(
        self,
        gate: Gate,
        failure: TransientModelError,
        attempts: Attempts,
        epoch: int,
    ) -> None:
        """Wait until a request may be asked again.

        Raises:
            ModelError: It may not.
        """
        try:
            verdict = attempts.after(
                failure, self._rng, is_first_contact=not self._is_known
            )
            if await self._was_gone(gate, failure, attempts, verdict):
                return
            if verdict.wait_s > 0:
                self._tell_others(failure, verdict.wait_s)
                await self._sleep(verdict.wait_s)
        finally:
            if failure.retry_after_s is not None:
                gate.limiter.resume()
        if verdict.end is None:
            return
        if self._adaptive is not None:
            now = self._control.clock()
            self._move(self._adaptive.completed(epoch, None, now))
        # Where an outage is watched for, the endpoint has been found there.
        is_there = gate.outage is not None and self._is_known
        final: ModelError = TransientModelError(
            f"{failure} ({verdict.end})", status=failure.status
        )
        if failure.is_unreachable and not is_there:
            final = ModelUnavailableError(str(failure))
        raise final from failure

    async def _was_gone(
        self,
        gate: Gate,
        failure: TransientModelError,
        attempts: Attempts,
        verdict: Verdict,
    ) -> bool:
        """Tell whether a request failed because nobody was there; somebody is again.

        Raises:
            ModelUnavailableError: Nobody came back.
            TransientModelError: It failed so too often.
        """
        outage = gate.outage
        if outage is None or not may_be_outage(failure):
            return False
        if not self._is_known and failure.status not in STATUSES_OF_ABSENCE:
            # Most likely a wrong address, which should not take minutes to tell.
            return False
        is_quiet = attempts.failed_twice_since(outage.answered_at)
        if verdict.end is None and not is_quiet and not outage.is_suspected:
            return False
        if not await outage.outlast(failure):
            return False
        if not attempts.forgive():
            raise TransientModelError(
                f"{failure} (the endpoint went away {attempts.outages} times while "
                "this was asked)",
                status=failure.status,
            ) from failure
        return True

    def _tell_others(self, failure: TransientModelError, seconds: float) -> None:
        shared = self._control.shared_pause
        if shared is not None and failure.retry_after_s is not None:
            shared.announce(seconds)

    def _move(self, decision: Decision | None) -> None:
        if decision is not None:
            self._tell_limit(decision.reason)

    def _tell_limit(self, reason: str) -> None:
        at = self._control.clock()
        self._tell(LimitSet(at=at, limit=self.max_concurrency, reason=reason))

    def _tell(self, event: Event) -> None:
        if self._control.listener is not None:
            self._control.listener(event)
