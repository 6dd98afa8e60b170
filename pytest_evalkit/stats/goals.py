"""Goals of latency that a good request meets, all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

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


class GoodRequests:
    """Counts the successful requests that meet all goals.

    What a request does not have, such as the time per token of a single token, does
    not fail it.

    Args:
        goals: Bounds in milliseconds, by the metric's name; a value at one is good.
    """

    def __init__(self, goals: Mapping[str, float]) -> None:
        self._goals = goals
        self._unknown = set(goals)
        self._is_empty = True
        self._good = 0

    def add(self, request: RequestTimes) -> None:
        """Take in a request of any status."""
        if request.status != "successful":
            return
        self._is_empty = False
        is_good = True
        for name, bound in self._goals.items():
            value = METRICS[name](request)
            if value is None:
                continue
            self._unknown.discard(name)
            is_good = is_good and value <= bound
        self._good += is_good

    @property
    def count(self) -> int | None:
        """How many are good.

        None where a metric with a goal is known of no successful request, as the first
        token is where nothing is streamed.
        """
        return None if self._unknown and not self._is_empty else self._good


def _bound(goal: str, text: str) -> float:
    try:
        bound = float(text)
    except ValueError:
        bound = math.nan
    if not 0 < bound < math.inf:
        raise OptionError(f"a goal is a number of milliseconds above 0, got {goal!r}")
    return bound
