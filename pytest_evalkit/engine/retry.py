"""When a request is asked again, and after how long."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from pytest_evalkit.errors import ModelError, RequestCutError, TransientModelError
from pytest_evalkit.values import AnyResponse

# An endpoint that goes away each time that it is asked the same is asked no more.
_MOST_OUTAGES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how patiently a request is asked.

    Attributes:
        attempts: The most attempts, the first included; at least one.
        first_contact_attempts: The same while the endpoint has never answered and
            cannot be connected to: a wrong address should not take a minute to tell.
        base_s: Upper bound of the first wait; it doubles with each attempt.
        cap_s: Upper bound of every wait that the endpoint did not ask for.
        timeout_s: Longest time one attempt may take.
        total_s: The most that a request waits between its attempts, all waits together.
    """

    attempts: int = 5
    first_contact_attempts: int = 3
    base_s: float = 0.5
    cap_s: float = 20.0
    timeout_s: float = 300.0
    total_s: float = 120.0

    def wait_s(self, attempt: int, retry_after_s: float | None, rng: Random) -> float:
        """Choose how long to wait after a failed attempt.

        Exponential back-off with full jitter (Brooker, "Exponential Backoff And
        Jitter", 2015): uniform between zero and the doubled bound, so that clients
        that failed together do not come back together. What the endpoint asks for
        is a lower bound, with little on top: everybody waits meanwhile.

        Args:
            attempt: Number of the attempt that failed, from one.
            retry_after_s: Seconds the endpoint asked for, or None.
            rng: Source of the jitter.
        """
        bound: float = min(self.cap_s, self.base_s * 2 ** (attempt - 1))
        if retry_after_s is None:
            return rng.uniform(0, bound)
        return retry_after_s + rng.uniform(0, min(bound, 1.0) / 10)


class Verdict(NamedTuple):
    """What follows from a failed attempt.

    Attributes:
        wait_s: How long to wait now. What the endpoint asked for is waited out even
            where this request is given up, for the sake of the others.
        end: Why the request is given up after that, or None for another attempt.
    """

    wait_s: float
    end: str | None


class Attempts(Struct, eq=False):
    """The attempts of one request: how many, and how long it waited between them.

    Attributes:
        policy: What they are allowed.
        made: Attempts begun.
        last_sent_at: When the last one was, by the engine's clock; infinite where it
            does not count any more.
        sent_at: When the last one was, or None where nothing was sent.
        ended_at: When the last one that failed had, or None where none has.
        waited_s: Seconds between attempts, all together.
        outages: How often the endpoint went away meanwhile.
        state: What became of the last attempt, in words: it was sent, or it failed.
        since: When it did, by the engine's clock.
    """

    policy: RetryPolicy
    made: int = 0
    last_sent_at: float = math.inf
    sent_at: float | None = None
    ended_at: float | None = None
    waited_s: float = 0.0
    outages: int = 0
    state: str = ""
    since: float = 0.0
    # Since the endpoint was last gone, if it was.
    _waited_s: float = 0.0
    _forgiven: int = 0
    _previous_at: float = math.inf

    def begin(self, at: float) -> None:
        """Count an attempt.

        Args:
            at: Seconds of the engine's clock.
        """
        self.made += 1
        self.state, self.since = "sent", at
        if self.ended_at is not None:
            self.waited_s += at - self.ended_at
        self.sent_at = at
        self._previous_at, self.last_sent_at = self.last_sent_at, at

    def fail(self, at: float) -> None:
        """Take in that the last attempt failed.

        Args:
            at: Seconds of the engine's clock.
        """
        self.state, self.since = "failed", at
        self.ended_at = at

    @property
    def has_failed(self) -> bool:
        """Whether the last attempt has, rather than being under way."""
        return self.state == "failed"

    def blame(self, error: ModelError | RequestCutError) -> None:
        """Tell with an error what became of the request that it ends."""
        error.attempts = self.made
        error.sent_at, error.ended_at = self.sent_at, self.ended_at

    def told_with(self, response: AnyResponse) -> AnyResponse:
        """Tell with a response how many attempts it took, and how long they waited."""
        if self.made == 1:
            return response
        timing = response.timing and replace(response.timing, waited_s=self.waited_s)
        return replace(response, attempts=self.made, timing=timing)

    def forgive(self) -> bool:
        """Take back what failed because the endpoint was gone.

        Returns:
            False where that has been done so often that the request may be to blame.
        """
        self.outages += 1
        self._forgiven, self._waited_s = self.made, 0.0
        self._previous_at = self.last_sent_at = math.inf
        return self.outages <= _MOST_OUTAGES

    def failed_twice_since(self, at: float) -> bool:
        """Whether the last two attempts were sent after a moment, and failed."""
        return at < self._previous_at < self.last_sent_at < math.inf

    def after(
        self, error: TransientModelError, rng: Random, *, is_first_contact: bool
    ) -> Verdict:
        """Decide what follows from a failed attempt.

        Args:
            error: How it failed.
            rng: Source of the jitter.
            is_first_contact: True while the endpoint has never answered anything.
        """
        policy, asked_s = self.policy, error.retry_after_s
        wait_s = policy.wait_s(self.made, asked_s, rng)
        allowed = policy.attempts
        if is_first_contact and error.is_unreachable:
            allowed = min(allowed, policy.first_contact_attempts)
        is_last = self.made - self._forgiven >= allowed
        if is_last and asked_s is None:
            return Verdict(0.0, self._made_in_words)
        if self._waited_s + wait_s > policy.total_s:
            return Verdict(0.0, f"{self._made_in_words}, {self._too_long(wait_s)}")
        self._waited_s += wait_s
        return Verdict(wait_s, self._made_in_words if is_last else None)

    @property
    def _made_in_words(self) -> str:
        return f"{self.made} attempt{'s' * (self.made > 1)}"

    def _too_long(self, wait_s: float) -> str:
        return (
            f"{wait_s:.0f} s to wait after {self._waited_s:.0f} s, "
            f"{self.policy.total_s:g} s are allowed"
        )
