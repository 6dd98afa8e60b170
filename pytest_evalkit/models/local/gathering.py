"""Which of the requests that wait go together: those of one kind and of like length."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Protocol


class Gatherable(Protocol):
    """What must be known of a request to put it beside others."""

    @property
    def kind(self) -> Hashable:
        """Only requests of the same kind go together."""
        ...

    @property
    def length(self) -> int:
        """How many tokens the model reads."""
        ...

    @property
    def row(self) -> Hashable | None:
        """What the model reads; equal rows take one place. None is unlike all others."""
        ...


def gathered(
    waiting: Sequence[Gatherable], size: Callable[[int], int]
) -> tuple[list[int], bool]:
    """Choose the requests of the next batch.

    The one that has waited longest is always among them, so that none waits for ever;
    the others are those whose length is nearest to its own. What they are put beside
    changes no answer, only how much of the batch is padding.

    Args:
        waiting: The requests, the one that has waited longest first; at least one.
        size: Tells how many rows of a length go into one batch; at least one.

    Returns:
        Their positions, in order, and whether the batch is full: another request could
        not have joined it.
    """
    leader = waiting[0]
    others = [n for n in range(1, len(waiting)) if waiting[n].kind == leader.kind]
    others.sort(key=lambda n: abs(waiting[n].length - leader.length))
    chosen, rows, longest = [0], {_row(waiting, 0)}, leader.length
    for n in others:
        row, reach = _row(waiting, n), max(longest, waiting[n].length)
        if row not in rows and len(rows) + 1 > size(reach):
            continue
        chosen.append(n)
        rows.add(row)
        longest = reach
    return sorted(chosen), len(rows) >= size(longest)


def _row(waiting: Sequence[Gatherable], position: int) -> Hashable:
    row = waiting[position].row
    return ("alone", position) if row is None else ("shared", row)
