"""Requests of a run whose times are known."""

from __future__ import annotations

from typing import Any

from pytest_evalkit.stats.load_figures import load_figures
from pytest_evalkit.stats.request_times import RequestTimes


def steady_load(per_s: float, latency_s: float) -> dict[str, Any]:
    """Tell the figures of a hundred requests, sent at equal gaps."""
    return load_figures(
        RequestTimes(
            status="successful",
            sent_at=number / per_s,
            ended_at=number / per_s + latency_s,
            output_tokens=2,
        )
        for number in range(100)
    )
