"""The engine: every request of a run passes here on its way to the backend."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple, overload
from weakref import WeakKeyDictionary

from pytest_evalkit.engine.adaptive import AdaptiveLimit, AdaptivePolicy, Decision
from pytest_evalkit.engine.budget import Budget, Price, tells_counts
from pytest_evalkit.engine.deadline import PatientTimeout
from pytest_evalkit.engine.events import BudgetSpent, Event, LimitSet, Listener
from pytest_evalkit.engine.limiter import Limiter
from pytest_evalkit.engine.ordering import NOTHING, Beginning, beginning_of
from pytest_evalkit.engine.pause import SharedPause
from pytest_evalkit.engine.recalling import Recalling
from pytest_evalkit.engine.response_cache import ResponseCache
from pytest_evalkit.engine.retry import Attempts, RetryPolicy
from pytest_evalkit.errors import (
    BudgetSpentError,
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.models.backend import Backend, respond
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    LikelihoodRequest,
    LoglikelihoodResponse,
    Request,
    Response,
    Usage,
)

_TOO_MANY_REQUESTS = 429

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What an engine heeds besides its limit.

    Attributes:
        adaptive: How the limit moves, or None for one that stays.
        prefix_chars: Characters of text by which waiting requests are put next to those
            that begin alike, or None to keep their order.
        budget: What may be spent, or None where nothing is counted.
        price: What the model's tokens cost, or None where money does not matter.
        shared_pause: The pause of all processes that ask the same endpoint, or None
            where there is but this one.
        listener: Hears of what the engine decides, or None.
        cache: Where answers are looked for first, and kept; None for nowhere.
        clock: Seconds that never go back.
    """

    adaptive: AdaptivePolicy | None = None
    prefix_chars: int | None = 256
    budget: Budget | None = None
    price: Price | None = None
    shared_pause: SharedPause | None = None
    listener: Listener | None = None
    cache: ResponseCache | None = None
    clock: Callable[[], float] = time.monotonic


class Sent(NamedTuple):
    """The state of things when an attempt was sent.

    Attributes:
        epoch: Of the limit that adapts.
        others: Requests in flight besides it.
    """

    epoch: int
    others: int


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
        self._has_answered = False
        self._has_spent = False
        self._fixed_limit = max_concurrency
        cache, timeout_s = self._control.cache, self.policy.timeout_s
        self._recalling = (
            None if cache is None else Recalling(cache, backend, timeout_s)
        )
        rule = self._control.adaptive
        self._adaptive = None if rule is None else AdaptiveLimit(rule, max_concurrency)
        # Who waits belongs to one loop, and Python cases may bring their own.
        self._limiters: WeakKeyDictionary[asyncio.AbstractEventLoop, Limiter] = (
            WeakKeyDictionary()
        )

    @property
    def max_concurrency(self) -> int:
        """The most requests in flight at once, now."""
        return self._fixed_limit if self._adaptive is None else self._adaptive.limit

    @overload
    async def ask(self, request: Generate) -> Response: ...
    @overload
    async def ask(self, request: LikelihoodRequest) -> LoglikelihoodResponse: ...
    @overload
    async def ask(self, request: Request) -> AnyResponse: ...
    async def ask(self, request: Request) -> AnyResponse:
        """Get the answer to one request.

        One that the cache has costs nothing: no place in flight, no wait, no budget.

        Raises:
            ModelUnavailableError: No request will be answered: stop the run.
            ModelError: This request has no answer; ``attempts`` says after how many.
            BudgetSpentError: It was not sent, since nothing is left to spend.
        """
        if self._recalling is None:
            return await self._send(request)
        return await self._recalling.answer(request, self._send)

    async def _send(self, request: Request) -> AnyResponse:
        """Ask the backend; between two attempts others take the place in flight."""
        limiter = self._limiter()
        attempts = Attempts(self.policy)
        while True:
            await self._enter(limiter, request, is_first=attempts.made == 0)
            attempts.made += 1
            sent = Sent(self._epoch, limiter.active - 1)
            try:
                response = await self._attempt(request, sent.epoch)
            except TransientModelError as error:
                failure = error
                self._heed(limiter, error, sent)
            except ModelError as error:
                error.attempts = attempts.made
                raise
            else:
                made = attempts.made
                return response if made == 1 else replace(response, attempts=made)
            finally:
                limiter.leave()
            await self._wait(limiter, failure, attempts, sent.epoch)

    @property
    def _epoch(self) -> int:
        return 0 if self._adaptive is None else self._adaptive.epoch

    def _limiter(self) -> Limiter:
        loop = asyncio.get_running_loop()
        limiter = self._limiters.get(loop)
        if limiter is None:
            shared = self._control.shared_pause
            limiter = self._limiters[loop] = Limiter(
                lambda: self.max_concurrency,
                None if shared is None else shared.left_s,
            )
            if len(self._limiters) == 1:
                self._tell_limit("start" if self._adaptive else "fixed")
        return limiter

    async def _enter(
        self, limiter: Limiter, request: Request, *, is_first: bool
    ) -> None:
        self._refuse_if_spent()
        if is_first and limiter.try_enter():
            return
        await limiter.enter(self._beginning(request) if is_first else None)
        try:
            self._refuse_if_spent()
        except BudgetSpentError:
            limiter.leave()
            raise

    def _beginning(self, request: Request) -> Beginning:
        characters = self._control.prefix_chars
        return NOTHING if characters is None else beginning_of(request, characters)

    async def _attempt(self, request: Request, epoch: int) -> AnyResponse:
        """Ask once, and take in how it went if it went well."""
        clock = self._control.clock
        started = clock()
        try:
            async with PatientTimeout(self.policy.timeout_s):
                response = await respond(self.backend, request)
        except ModelUnavailableError as error:
            if error.may_be_one_request and self._has_answered:
                raise RequestRejectedError(str(error)) from error
            raise
        except ModelError:
            raise
        except TimeoutError as error:
            raise TransientModelError(
                f"no answer within {self.policy.timeout_s:g} s"
            ) from error
        except asyncio.CancelledError as error:
            if _is_cancelled_from_outside():
                raise
            raise RequestRejectedError("the backend cancelled itself") from error
        except (Exception, SystemExit) as error:
            # Backends of users may raise anything; it is the request that failed.
            raise RequestRejectedError(f"{type(error).__name__}: {error}") from error
        _check(response)
        self._has_answered = True
        if self._adaptive is not None:
            now, timing = clock(), response.timing
            latency_s = now - started if timing is None else timing.latency_s
            self._move(self._adaptive.completed(epoch, latency_s, now))
        if self._control.budget is not None:
            self._spend(self._control.budget, response.usage)
        return response

    def _heed(self, limiter: Limiter, error: TransientModelError, sent: Sent) -> None:
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
        limiter: Limiter,
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
                failure, self._rng, is_first_contact=not self._has_answered
            )
            if verdict.wait_s > 0:
                self._tell_others(failure, verdict.wait_s)
                await self._sleep(verdict.wait_s)
        finally:
            if failure.retry_after_s is not None:
                limiter.resume()
        if verdict.end is None:
            return
        if self._adaptive is not None:
            now = self._control.clock()
            self._move(self._adaptive.completed(epoch, None, now))
        final = _final(failure, verdict.end)
        final.attempts = attempts.made
        raise final from failure

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

    def _spend(self, budget: Budget, usage: Usage | None) -> None:
        if budget.is_limited and not tells_counts(usage):
            raise ModelUnavailableError(
                "the endpoint does not say how many tokens an answer took, so neither "
                "--max-total-tokens nor --max-cost can be kept; run without them"
            )
        if usage is not None:
            budget.spend(usage, self._control.price)
        spent = budget.spent
        if spent is not None and not self._has_spent:
            self._has_spent = True
            self._tell(BudgetSpent(at=self._control.clock(), reason=spent))

    def _refuse_if_spent(self) -> None:
        """Raise if nothing may be spent any more.

        Raises:
            BudgetSpentError: So it is.
        """
        budget = self._control.budget
        spent = None if budget is None else budget.spent
        if spent is not None:
            raise BudgetSpentError(f"the budget is spent: {spent}")


def _final(error: TransientModelError, end: str) -> ModelError:
    """Say that a request is given up: with it the run, where nobody is there."""
    if error.is_unreachable:
        return ModelUnavailableError(str(error))
    return TransientModelError(f"{error} ({end})", status=error.status)


def _is_cancelled_from_outside() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _check(response: object) -> None:
    """Make sure that an answer is one, whoever wrote the backend.

    Raises:
        RequestRejectedError: It is none.
    """
    if isinstance(response, LoglikelihoodResponse):
        return
    told = f"a {type(response).__name__}"
    if isinstance(response, Response):
        text: object = response.text
        if isinstance(text, str):
            return
        told = f"a Response whose text is {text!r}"
    raise RequestRejectedError(
        f"the backend returned {told}; it must return a Response with a text"
    )
