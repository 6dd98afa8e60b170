"""Spans of time, several of which may cover the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def covered_s(spans: Iterable[tuple[float, float]]) -> float:
    """Add up spans of time, what several cover once.

    Args:
        spans: Pairs of start and end, in seconds.

    >>> covered_s([(10.0, 11.0), (0.0, 4.0), (2.0, 5.0)])
    6.0
    """
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def closed_up(spans: Mapping[float, float]) -> dict[float, float]:
    """Find where spans begin when the time that none of them covers is left out.

    Args:
        spans: Their ends by their starts, in seconds.

    Returns:
        By the start of each, the seconds that were covered before it.

    >>> closed_up({10.0: 12.0, 11.0: 15.0, 100.0: 101.0})
    {10.0: 0.0, 11.0: 1.0, 100.0: 5.0}
    """
    return {
        place: covered_s(
            (start, min(end, place)) for start, end in spans.items() if start < place
        )
        for place in sorted(spans)
    }
