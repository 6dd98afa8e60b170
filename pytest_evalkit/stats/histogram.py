"""How values are spread: counts in equal steps, few however many values there are."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

MOST_STEPS = 40
_LEAST_STEPS = 16


def histogram(ordered: Sequence[float], top: float) -> dict[str, Any]:
    """Count values in equal steps of a round width: 1, 2 or 5 times a power of ten.

    Args:
        ordered: The values, from the lowest on; at least one, none below 0.
        top: What is larger counts in one further step, the last: a high percentile, so
            that a few far ones do not press all others into one step.

    Returns:
        ``start`` of the first step, the ``width`` of each, ``counts``, at most
        ``MOST_STEPS`` and 2 of them, and ``over``: how many lie above ``top``'s own step,
        all of them in the last one.

    Raises:
        ValueError: There is no value.

    >>> histogram([10, 11, 11, 14, 90], 14)
    {'start': 10.0, 'width': 0.5, 'counts': [1, 0, 2, 0, 0, 0, 0, 0, 1, 1], 'over': 1}
    """
    if not ordered:
        raise ValueError("a histogram needs at least one value")
    lowest = ordered[0]
    steps = min(MOST_STEPS, max(_LEAST_STEPS, 2 * math.isqrt(len(ordered))))
    # Values that are all alike are one step, a tenth of them wide.
    width = round_above((top - lowest) / steps or abs(top) / 10 or 1.0)
    first = math.floor(lowest / width)
    last = max(first, math.floor(top / width))
    edges = (_short(place * width) for place in range(first + 1, last + 2))
    places = [0, *(bisect_left(ordered, edge) for edge in edges)]
    counts = [after - before for before, after in pairwise(places)]
    over = len(ordered) - places[-1]
    return {
        "start": _short(first * width),
        "width": width,
        "counts": [*counts, over] if over else counts,
        "over": over,
    }


def round_above(value: float) -> float:
    """Find the smallest of 1, 2 and 5 times a power of ten that is not below a value.

    Args:
        value: Above 0.

    >>> round_above(0.03), round_above(5), round_above(6)
    (0.05, 5.0, 10.0)
    """
    power = math.floor(math.log10(value))
    for factor in (1, 2, 5):
        found = float(f"{factor}e{power}")
        if found >= value:
            return found
    return float(f"1e{power + 1}")


def _short(value: float) -> float:
    """Write a number without the traces of its computing."""
    return float(f"{value:.12g}")
