"""How fast a backend wants to be asked, by the names that users of others know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from pytest_evalkit.errors import OptionError


class _Range(NamedTuple):
    """What a value may be, in words and as a test that a NaN does not pass."""

    rule: str
    is_within: Callable[[float], bool]


_COUNT = _Range("at least 1", lambda count: count >= 1)
_ABOVE_ZERO_S = _Range("seconds above 0", lambda seconds: seconds > 0)
_SECONDS = _Range("seconds, 0 or more", lambda seconds: seconds >= 0)
_SHARE = _Range("from 0 to 1", lambda share: 0 <= share <= 1)

_RANGES: Mapping[str, _Range] = {
    "num_concurrent": _COUNT,
    "max_retries": _COUNT,
    "timeout": _ABOVE_ZERO_S,
    "retry_backoff_s": _ABOVE_ZERO_S,
    "retry_total_s": _SECONDS,
    "adaptive_min_concurrency": _COUNT,
    "adaptive_max_concurrency": _COUNT,
    "adaptive_target_latency_s": _ABOVE_ZERO_S,
    "adaptive_increase_step": _Range("above 0", lambda step: step > 0),
    "adaptive_decrease_factor": _Range(
        "from 0.1 to 0.95",
        lambda factor: 0.1 <= factor <= 0.95,  # noqa: PLR2004 - said in the rule
    ),
    "adaptive_failure_threshold": _SHARE,
    "adaptive_calm_failures": _SHARE,
    "adaptive_least_refusals": _SHARE,
    "adaptive_least_window": _COUNT,
    "adaptive_late_factor": _Range("at least 1", lambda factor: factor >= 1),
    "adaptive_early_factor": _Range("above 0", lambda factor: factor > 0),
    "adaptive_hold_s": _SECONDS,
    "adaptive_auto_factor": _Range("above 1", lambda factor: factor > 1),
    "adaptive_auto_weight": _Range(
        "above 0 and at most 1", lambda weight: 0 < weight <= 1
    ),
    "adaptive_auto_relief": _SHARE,
}


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
        adaptive_increase_step: Share by which the number grows at a time, above 0; by
            one at least.
        adaptive_decrease_factor: What is left of it after a cut, from 0.1 to 0.95.
        adaptive_failure_threshold: Share of failures that cuts it, from 0 to 1.
        adaptive_calm_failures: Share of that threshold that may fail while the number
            grows, from 0 to 1.
        adaptive_least_refusals: Share of refusals below which nothing is cut, however
            low the threshold is, from 0 to 1.
        adaptive_least_window: Requests after which the number is judged, at least; it
            is as many as may be in flight where those are more.
        adaptive_late_factor: Times the target: requests that take longer are a reason
            to cut; 1 or more.
        adaptive_early_factor: Times the target: only where requests take less does the
            number grow; above 0, and not above the late one.
        adaptive_hold_s: Seconds for which the number does not grow beyond what was
            refused.
        adaptive_auto_factor: With ``auto``, times the best latency: the target; above
            1.
        adaptive_auto_weight: With ``auto``, what the newest requests count in the
            latency, above 0, up to 1; the rest is what came before.
        adaptive_auto_relief: With ``auto``, the share of what a cut would explain by
            which latency must fall, lest it be taken for the new best; from 0 to 1.
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
    adaptive_calm_failures: float = 0.5
    adaptive_least_refusals: float = 0.02
    adaptive_least_window: int = 4
    adaptive_late_factor: float = 1.1
    adaptive_early_factor: float = 0.85
    adaptive_hold_s: float = 30.0
    adaptive_auto_factor: float = 3.0
    adaptive_auto_weight: float = 0.2
    adaptive_auto_relief: float = 0.5
    prefix_aware_queue: bool = True
    prefix_hash_chars: int = 256

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: A value is outside of its own.
        """
        for name, (rule, is_within) in _RANGES.items():
            value = getattr(self, name)
            if value not in {None, "auto"} and not is_within(value):
                raise OptionError(f"{name} must be {rule}, got {value:g}")
        self._require_order("adaptive_min_concurrency", "adaptive_max_concurrency")
        self._require_order("adaptive_early_factor", "adaptive_late_factor")

    def _require_order(self, low_name: str, high_name: str) -> None:
        low, high = getattr(self, low_name), getattr(self, high_name)
        if low > high:
            raise OptionError(
                f"{low_name} must not be above {high_name}, got {low:g} and {high:g}"
            )
