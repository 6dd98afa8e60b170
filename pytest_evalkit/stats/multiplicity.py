"""Many tests at once: what is left of each where one of many looks good by chance."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values so that all tests together err as seldom as one should.

    Holm 1979, "A simple sequentially rejective multiple test procedure". Whatever the
    tests have to do with each other, rejecting where the result is at most alpha
    rejects any true hypothesis with probability alpha at most.

    Args:
        p_values: In any order.

    Returns:
        The adjusted values, in the same order; at most 1.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank, position in enumerate(order):
        highest = max(highest, (len(p_values) - rank) * p_values[position])
        adjusted[position] = min(1.0, highest)
    return adjusted


def holm_of_tested(p_values: Sequence[float | None]) -> list[float | None]:
    """Correct p values among which some are None, of what could not be tested.

    Args:
        p_values: In any order.

    Returns:
        The adjusted values, in the same order; None stays None, and counts as no test.

    >>> holm_of_tested([0.01, None, 0.03])
    [0.02, None, 0.03]
    """
    adjusted = iter(holm([p for p in p_values if p is not None]))
    return [None if p is None else next(adjusted) for p in p_values]
