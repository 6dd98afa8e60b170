"""Whether the client, and not the endpoint, was the limit of what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# A client that is late by a tenth of what it measures has no say in it.
_MOST_LAG = 0.1
# With less of the rate that was asked for, the pattern was another one.
_LEAST_RATE = 0.95
# A few requests have no rate.
_LEAST_SENT = 20


def client_limit(
    figures: Mapping[str, Any],
    p99_lag_ms: float | None,
    target_qps: float | None,
    cap: int | None,
) -> tuple[bool, str | None]:
    """Judge by its own lateness whether the client was the limit.

    It was where the 99th percentile of its lag is more than a tenth of the median time
    to the first token (of the latency, where nothing was streamed), or where it sent
    less than 95 % of the rate that a schedule asked for and no cap held it back.

    Args:
        figures: What ``load_figures`` returns.
        p99_lag_ms: 99th percentile of how late its event loop was; None where nobody
            looked.
        target_qps: Requests per second that were to be sent; None without a clock.
        cap: The most that could be in flight; None for no bound.

    Returns:
        Whether it was, and why; where it was not, what else held requests back, or None.

    >>> metrics = {"ttft_ms": {"p50": 100.0}, "e2el_ms": {"p50": 900.0}}
    >>> client_limit({"metrics": metrics}, 25.0, None, None)[1]
    'its event loop was 25.0 ms late (p99), and ttft_ms.p50 is 100.0 ms'
    """
    name, usual_ms = _usual(figures)
    if p99_lag_ms is not None and usual_ms is not None:
        is_late = p99_lag_ms > _MOST_LAG * usual_ms
        if is_late:
            late = f"its event loop was {p99_lag_ms:.1f} ms late (p99)"
            return True, f"{late}, and {name}.p50 is {usual_ms:.1f} ms"
    if target_qps is None or sum(figures["n_requests"].values()) < _LEAST_SENT:
        return False, None
    achieved = figures["achieved_qps"]
    if achieved is None or achieved >= _LEAST_RATE * target_qps:
        return False, None
    sent = f"{achieved:.1f} requests per second were sent of {target_qps:g}"
    if cap is not None and figures["peak_concurrency"] >= cap:
        return False, f"{sent}: --max-concurrency {cap} held them back"
    return True, sent


def _usual(figures: Mapping[str, Any]) -> tuple[str, float | None]:
    """Find the median that lag is held against."""
    metrics = figures["metrics"]
    for name in ("ttft_ms", "e2el_ms"):
        value: float | None = metrics[name]["p50"]
        if value is not None:
            return name, value
    return "e2el_ms", None
