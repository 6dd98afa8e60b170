"""What engines decide, as lines of the journal and as notices to the user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_evalkit.engine import (
    BudgetSpent,
    EndpointBack,
    EndpointGone,
    IssuingEnded,
    LimitSet,
)
from pytest_evalkit.plugin.options import RunOptions
from pytest_evalkit.plugin.place import Share


def notice_of(event: EndpointGone | EndpointBack, options: RunOptions) -> str:
    """Write what the user should know at once."""
    if isinstance(event, EndpointBack):
        return f"the endpoint answers again after {event.away_s:.0f} s"
    return (
        f"{event.reason}; the run pauses until the endpoint answers, for at most "
        f"{options.endpoint_outage:g} s (--endpoint-outage)"
    )


def event_line(
    event: LimitSet | BudgetSpent | IssuingEnded, started_at: float, share: Share | None
) -> Mapping[str, Any]:
    """Write an event for the journal.

    Args:
        event: What an engine decided.
        started_at: When the run started, by the engine's clock.
        share: The worker's share; None where it has all.
    """
    line: dict[str, Any] = {
        "t_s": round(event.at - started_at, 6),
        "reason": event.reason,
    }
    if isinstance(event, LimitSet):
        line |= {"kind": "concurrency", "limit": event.limit}
    elif isinstance(event, IssuingEnded):
        line |= {"kind": "load_end"}
    else:
        line |= {"kind": "budget"}
    if share is not None:
        line["worker"] = share.number
    return line
