"""Positions of documents, written short: as ranges of start, stop and step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def ranges_of(positions: Iterable[int]) -> list[list[int]]:
    """Write positions as ranges, each as long as it can be.

    >>> ranges_of([0, 1, 2, 7, 10, 14, 18])
    [[0, 3, 1], [7, 11, 3], [14, 19, 4]]
    """
    ranges: list[list[int]] = []
    for position in sorted(set(positions)):
        if ranges and _continues(ranges[-1], position):
            ranges[-1][2] = position - _last(ranges[-1])
            ranges[-1][1] = position + 1
        else:
            ranges.append([position, position + 1, 1])
    return ranges


def _continues(current: Sequence[int], position: int) -> bool:
    start, _, step = current
    last = _last(current)
    return last == start or position - last == step


def _last(current: Sequence[int]) -> int:
    return current[1] - 1


def positions_of(ranges: Iterable[Sequence[int]]) -> set[int]:
    """Read positions from their ranges."""
    return {
        position
        for start, stop, step in ranges
        for position in range(start, stop, step)
    }
