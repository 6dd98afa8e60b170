"""The engine: every request of a run passes here on its way to the backend."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from random import Random
from weakref import WeakKeyDictionary

from pytest_evalkit.engine.deadline import PatientTimeout
from pytest_evalkit.engine.retry import RetryPolicy
from pytest_evalkit.errors import (
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.models.backend import Backend
from pytest_evalkit.values import Request, Response

Sleep = Callable[[float], Awaitable[None]]


class Engine:
    """Sends requests to one backend: bounded in number, timed, retried.

    Args:
        backend: Whatever answers.
        policy: When to ask again.
        max_concurrency: The most requests in flight at once, at least one.
        rng: Source of the jitter between attempts.
        sleep: How to wait; tests give one that does not.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        policy: RetryPolicy | None = None,
        max_concurrency: int = 32,
        rng: Random | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.backend = backend
        self.policy = policy or RetryPolicy()
        self.max_concurrency = max_concurrency
        self._rng = rng or Random()  # noqa: S311 - jitter, not cryptography
        self._sleep = sleep
        self._has_answered = False
        # A semaphore belongs to one loop, and Python cases may bring their own.
        self._slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            WeakKeyDictionary()
        )

    async def ask(self, request: Request) -> Response:
        """Get the answer to one request.

        Raises:
            ModelUnavailableError: No request will be answered: stop the run.
            ModelError: This request has no answer; ``attempts`` says after how many.
        """
        async with self._slot():
            return await self._ask(request)

    def _slot(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        slots = self._slots.get(loop)
        if slots is None:
            slots = self._slots[loop] = asyncio.Semaphore(self.max_concurrency)
        return slots

    async def _ask(self, request: Request) -> Response:
        attempt = 1
        while True:
            try:
                response = await self._attempt(request)
            except TransientModelError as error:
                if attempt >= self._allowed_attempts(error):
                    raise self._final(error, attempt) from error
                await self._sleep(
                    self.policy.wait_s(attempt, error.retry_after_s, self._rng)
                )
                attempt += 1
            except ModelError as error:
                error.attempts = attempt
                raise
            else:
                self._has_answered = True
                return response if attempt == 1 else replace(response, attempts=attempt)

    async def _attempt(self, request: Request) -> Response:
        try:
            async with PatientTimeout(self.policy.timeout_s):
                response = await self.backend.generate(request)
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
        return _checked(response)

    def _allowed_attempts(self, error: TransientModelError) -> int:
        if error.is_unreachable and not self._has_answered:
            return min(self.policy.first_contact_attempts, self.policy.attempts)
        return self.policy.attempts

    @staticmethod
    def _final(error: TransientModelError, attempts: int) -> ModelError:
        if error.is_unreachable:
            final: ModelError = ModelUnavailableError(str(error))
        else:
            final = TransientModelError(f"{error} ({attempts} attempts)")
        final.attempts = attempts
        return final


def _is_cancelled_from_outside() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _checked(response: object) -> Response:
    """Make sure that an answer is one, whoever wrote the backend."""
    if isinstance(response, Response) and isinstance(response.text, str):
        return response
    told = (
        f"a Response whose text is {response.text!r}"
        if isinstance(response, Response)
        else f"a {type(response).__name__}"
    )
    raise RequestRejectedError(
        f"the backend returned {told}; it must return a Response with a text"
    )
