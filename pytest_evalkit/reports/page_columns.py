"""Tables for a page, smaller than lists of objects."""

from __future__ import annotations

from typing import Any


class Columns:
    """A table, taken in row by row and written column by column.

    Args:
        names: Of the columns.

    Attributes:
        rows: A value for each column, in their order.
    """

    def __init__(self, *names: str) -> None:
        self._names = names
        self.rows: list[tuple[Any, ...]] = []

    @property
    def values(self) -> dict[str, list[Any]]:
        """The columns, by their names."""
        columns = map(list, zip(*self.rows, strict=True))
        return (
            dict(zip(self._names, columns, strict=True))
            if self.rows
            else {name: [] for name in self._names}
        )


class Names:
    """Numbers things in the order in which they come up."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def __len__(self) -> int:
        """Count the things."""
        return len(self._numbers)

    @property
    def names(self) -> list[Any]:
        """What was numbered, in order."""
        return list(self._numbers)

    def number(self, name: Any) -> int:
        """Get the number of a thing; the next one where it is new."""
        return self._numbers.setdefault(name, len(self._numbers))
