"""What the requests of one event loop pass on their way to the endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pytest_evalkit.engine.limiter import Limiter
from pytest_evalkit.engine.outage import Outage, OutageRule
from pytest_evalkit.engine.pause import SharedPause
from pytest_evalkit.engine.place import KeptPlace


class Gate(NamedTuple):
    """What requests of one event loop pass.

    Attributes:
        limiter: Lets so many in; or a place that was let in before.
        outage: Whether the endpoint is there; None where that is not watched.
    """

    limiter: Limiter | KeptPlace
    outage: Outage | None


class Sent(NamedTuple):
    """The state of things when an attempt was sent.

    Attributes:
        epoch: Of the limit that adapts.
        others: Requests in flight besides it.
    """

    epoch: int
    others: int


def held_by(
    asked: SharedPause | None, rule: OutageRule | None
) -> Callable[[], float] | None:
    """Say how to learn for how many seconds other processes hold this one back.

    Args:
        asked: The pause that an endpoint asked for.
        rule: How an endpoint that is gone is waited for.

    Returns:
        None where there are no others.
    """
    gone = None if rule is None else rule.shared
    if gone is None:
        return None if asked is None else asked.left_s
    if asked is None:
        return gone.held_s
    return lambda: max(asked.left_s(), gone.held_s())
