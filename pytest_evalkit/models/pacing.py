"""How fast a backend wants to be asked, by the names that users of others know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from pytest_evalkit.errors import OptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """How many requests at once, how long each may take, and how often it is tried.

    A backend that has ``pacing`` is asked accordingly, unless the command line says
    otherwise. None leaves a choice to the run.

    Attributes:
        num_concurrent: Requests in flight, over all workers together; where the limit
            adapts, those at the start. ``num_cpus`` is another name of it.
        timeout: Seconds one attempt may take.
        max_retries: Attempts of a request, the first included, as lm-eval counts them.
        retry_backoff_s: Upper bound of the first wait between two attempts; it doubles
            with each.
        retry_total_s: The most seconds that a request waits between its attempts, all
            waits together.
        adaptive_concurrency: True to find the number of requests in flight by how the
            endpoint bears it.
        adaptive_min_concurrency: The least of them.
        adaptive_max_concurrency: The most of them, over all workers together.
        adaptive_target_latency_s: Seconds a request should take; fewer are in flight
            where more than a few take longer. ``auto`` learns what the endpoint takes
            at its best.
        adaptive_increase_step: Share by which the number grows at a time.
        adaptive_decrease_factor: What is left of it after a cut, from 0.1 to 0.95.
        adaptive_failure_threshold: Share of failures that cuts it, from 0 to 1.
        prefix_aware_queue: True to send requests with the same beginning next to each
            other, for the endpoint's cache; False to keep their order.
        prefix_hash_chars: Characters of text that make up the beginning, at least 32.
    """

    argument_aliases: ClassVar[Mapping[str, str]] = {"num_cpus": "num_concurrent"}

    num_concurrent: int | None = None
    timeout: float | None = None
    max_retries: int | None = None
    retry_backoff_s: float | None = None
    retry_total_s: float | None = None
    adaptive_concurrency: bool = False
    adaptive_min_concurrency: int = 1
    adaptive_max_concurrency: int = 128
    adaptive_target_latency_s: float | Literal["auto"] = 15.0
    adaptive_increase_step: float = 0.1
    adaptive_decrease_factor: float = 0.7
    adaptive_failure_threshold: float = 0.05
    prefix_aware_queue: bool = True
    prefix_hash_chars: int = 256

    def __post_init__(self) -> None:
        """Check what makes no sense at all.

        Raises:
            OptionError: A count is below one, or a time is not above zero.
        """
        for name in ("num_concurrent", "max_retries"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise OptionError(f"{name} must be at least 1, got {count}")
        for name in ("timeout", "retry_backoff_s"):
            seconds = getattr(self, name)
            if seconds is not None and not seconds > 0:
                raise OptionError(f"{name} must be seconds above 0, got {seconds:g}")
        if self.retry_total_s is not None and not self.retry_total_s >= 0:
            raise OptionError(
                f"retry_total_s must be seconds, 0 or more, got {self.retry_total_s:g}"
            )
