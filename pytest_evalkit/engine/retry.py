"""When a request is asked again, and after how long."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


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
    """

    attempts: int = 5
    first_contact_attempts: int = 3
    base_s: float = 0.5
    cap_s: float = 20.0
    timeout_s: float = 300.0

    def wait_s(self, attempt: int, retry_after_s: float | None, rng: Random) -> float:
        """Choose how long to wait after a failed attempt.

        Exponential back-off with full jitter (Brooker, "Exponential Backoff And
        Jitter", 2015): uniform between zero and the doubled bound, so that clients
        that failed together do not come back together. What the endpoint asks for
        is a lower bound, with some jitter on top.

        Args:
            attempt: Number of the attempt that failed, from one.
            retry_after_s: Seconds the endpoint asked for, or None.
            rng: Source of the jitter.
        """
        bound: float = min(self.cap_s, self.base_s * 2 ** (attempt - 1))
        if retry_after_s is None:
            return rng.uniform(0, bound)
        return retry_after_s + rng.uniform(0, min(bound, 1.0))
