"""What an engine decides on its own, told to whoever listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSet:
    """The number of requests in flight was set, at the start or anew.

    Attributes:
        at: Seconds of the engine's clock.
        limit: The most requests in flight from now on.
        reason: Why, in a few words.
    """

    at: float
    limit: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSpent:
    """What the run may cost has been spent, and a request was not sent for it.

    A budget that the last request uses up was enough.

    Attributes:
        at: Seconds of the engine's clock.
        reason: What was spent, in one line.
    """

    at: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuingEnded:
    """The load has ended, and a request is withheld for the first time.

    Attributes:
        at: Seconds of the engine's clock.
        reason: By what it ended, in one line.
    """

    at: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointGone:
    """The endpoint does not answer: nothing is sent until it does.

    Attributes:
        at: Seconds of the engine's clock.
        reason: How a request failed, in one line.
    """

    at: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointBack:
    """The endpoint answers again.

    Attributes:
        at: Seconds of the engine's clock.
        away_s: Seconds since it was found gone.
    """

    at: float
    away_s: float


Event = LimitSet | BudgetSpent | IssuingEnded | EndpointGone | EndpointBack
Listener = Callable[[Event], None]
