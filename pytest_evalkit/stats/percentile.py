"""Percentiles."""

from __future__ import annotations

from collections.abc import Sequence


def percentile(values: Sequence[float], percent: int) -> float:
    """Find the smallest value that ``percent`` % of the values do not exceed.

    The nearest-rank method: always one of the values, never between two (Hyndman and
    Fan 1996, definition 1).

    Args:
        values: In any order; at least one.
        percent: From 1 to 100.

    Raises:
        ValueError: There is no value, or ``percent`` is out of range.

    >>> percentile([15, 20, 35, 40, 50], 30)
    20
    """
    if not values:
        raise ValueError("a percentile needs at least one value")
    if not 1 <= percent <= 100:  # noqa: PLR2004 - per cent
        raise ValueError(f"percent is from 1 to 100, not {percent}")
    # Whole numbers throughout: 0.9 * 10 and the like must not be rounded upwards.
    rank = -(-percent * len(values) // 100)
    return sorted(values)[rank - 1]
