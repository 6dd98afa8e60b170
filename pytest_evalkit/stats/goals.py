"""Goals of latency that a good request meets, all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.stats.request_times import METRICS, RequestTimes

GOALS: Mapping[str, str] = {
    "ttft": "ttft_ms",
    "ttfo": "ttfo_ms",
    "tpot": "tpot_ms",
    "itl": "itl_ms",
    "e2el": "e2el_ms",
}
"""What a goal may be set for, and the metric that it bounds, in milliseconds."""


def parse_goals(text: str) -> dict[str, float]:
    """Read goals as ``ttft:500 tpot:50 e2el:10000``, in milliseconds.

    Returns:
        The bound of each metric, by the metric's name in results.

    Raises:
        OptionError: A goal has another form, no such metric, or is there twice.
    """
    goals: dict[str, float] = {}
    for goal in text.split():
        name, _, bound = goal.partition(":")
        if name not in GOALS:
            raise OptionError(f"unknown goal {name!r}; {suggestion(name, GOALS)}")
        if GOALS[name] in goals:
            raise OptionError(f"the goal {name} is there twice: {text!r}")
        goals[GOALS[name]] = _bound(goal, bound)
    if not goals:
        raise OptionError("goals are written as 'ttft:500 tpot:50', got none")
    return goals


def good_requests(
    requests: Sequence[RequestTimes], goals: Mapping[str, float]
) -> int | None:
    """Count the successful requests that meet all goals.

    What a request does not have, such as the time per token of a single token, does
    not fail it.

    Args:
        requests: Of any status.
        goals: Bounds in milliseconds, by the metric's name; a value at one is good.

    Returns:
        How many; None where a metric with a goal is known of no successful request,
        as the first token is where nothing is streamed.
    """
    answered = [one for one in requests if one.status == "successful"]
    measured = {name: [METRICS[name](one) for one in answered] for name in goals}
    for values in measured.values():
        if values and all(value is None for value in values):
            return None
    return sum(
        all(_is_met(measured[name][place], goals[name]) for name in goals)
        for place in range(len(answered))
    )


def _is_met(value: float | None, bound: float) -> bool:
    return value is None or value <= bound


def _bound(goal: str, text: str) -> float:
    try:
        bound = float(text)
    except ValueError:
        bound = math.nan
    if not 0 < bound < math.inf:
        raise OptionError(f"a goal is a number of milliseconds above 0, got {goal!r}")
    return bound
