"""Tables for a page, smaller than lists of objects."""

from __future__ import annotations

from typing import Any


class Columns:
    """A table, column by column.

    Args:
        names: Of the columns.
    """

    def __init__(self, *names: str) -> None:
        self.values: dict[str, list[Any]] = {name: [] for name in names}
        self._appending = [column.append for column in self.values.values()]

    def add(self, *values: Any) -> None:
        """Add a row: a value for each column, in their order."""
        for append, value in zip(self._appending, values, strict=True):
            append(value)


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
