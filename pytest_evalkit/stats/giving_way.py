"""At which load a server gives way: more of it brings nothing but waiting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

_LEAST_GAIN = 0.05
_MOST_SLOWER = 0.20
_MOST_ERRORS = 0.01

RULE = (
    "requests per second grow by less than 5 % while the 95th percentile of the latency "
    "grows by more than 20 %, or the error rate grows by more than one percentage point"
)


class GivingWay(NamedTuple):
    """The level at which a server gives way, and why it is said to."""

    level: int
    reason: str


def giving_way(levels: Sequence[tuple[int, Mapping[str, Any]]]) -> GivingWay | None:
    """Find the first level of load at which a server gives way, by ``RULE``.

    Each level is held against the one before it, the errors of the first against none.

    Args:
        levels: The level and what ``load_figures`` returns of it, in rising order.

    Returns:
        None where it held at all levels.
    """
    if not levels:
        return None
    (first, figures), *_ = levels
    reason = _more_errors(0.0, figures)
    if reason is not None:
        return GivingWay(first, reason)
    for (_, before), (level, after) in pairwise(levels):
        reason = _more_errors(before["error_rate"], after) or _slower(before, after)
        if reason is not None:
            return GivingWay(level, reason)
    return None


def _more_errors(before: float | None, figures: Mapping[str, Any]) -> str | None:
    after: float | None = figures["error_rate"]
    if after is None or after - (before or 0.0) <= _MOST_ERRORS:
        return None
    return f"{after:.1%} of the requests failed"


def _slower(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    gain = _growth(before["request_throughput"], after["request_throughput"])
    slower = _growth(_p95(before), _p95(after))
    if gain is None or slower is None or gain >= _LEAST_GAIN or slower <= _MOST_SLOWER:
        return None
    return f"{gain:+.1%} requests per second, {slower:+.1%} latency (p95)"


def _p95(figures: Mapping[str, Any]) -> float | None:
    value: float | None = figures["metrics"]["e2el_ms"]["p95"]
    return value


def _growth(before: float | None, after: float | None) -> float | None:
    if not before or after is None:
        return None
    return after / before - 1
