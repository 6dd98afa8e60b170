"""Positions of documents, written short: as ranges of start, stop and step."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain

# To look into more, one after another, takes longer than to look into a set.
_MOST_RANGES = 16


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


class Positions(AbstractSet[int]):
    """The positions in ranges; those of a million documents are mostly a few ranges.

    Args:
        ranges: Of start, stop and step.
    """

    __slots__ = ("_parts",)

    def __init__(self, ranges: Iterable[Sequence[int]]) -> None:
        parts: list[Collection[int]]
        parts = [range(start, stop, step) for start, stop, step in ranges]
        if len(parts) > _MOST_RANGES:
            parts = [frozenset(chain.from_iterable(parts))]
        self._parts = parts

    def __contains__(self, position: object) -> bool:
        """Tell whether a position is in one of the ranges."""
        return any(position in part for part in self._parts)

    def __iter__(self) -> Iterator[int]:
        """List the positions in order, each once."""
        return iter(sorted(set(chain.from_iterable(self._parts))))

    def __len__(self) -> int:
        """Count the positions."""
        return len(set(chain.from_iterable(self._parts)))
