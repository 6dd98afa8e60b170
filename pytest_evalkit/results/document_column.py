"""Values by document, where there may be a million documents."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any, TypeVar, overload

T = TypeVar("T")
D = TypeVar("D")

_ABSENT: Any = object()


class DocumentColumn(MutableMapping[int, T]):
    """A mapping from positions of documents, zero or more, to values.

    It is a list inside, which takes a sixth of the memory of a dictionary, and iterates
    in the order of the documents.
    """

    __slots__ = ("_count", "_values")

    def __init__(self) -> None:
        self._values: list[T] = []
        self._count = 0

    def __setitem__(self, document: int, value: T) -> None:
        """Set the value of a document."""
        values = self._values
        size = len(values)
        if document >= size:
            values.extend([_ABSENT] * (document + 1 - size + size // 8))
        self._count += values[document] is _ABSENT
        values[document] = value

    def __getitem__(self, document: int) -> T:
        """Get the value of a document.

        Raises:
            KeyError: It has none.
        """
        is_known = 0 <= document < len(self._values)
        if is_known and (value := self._values[document]) is not _ABSENT:
            return value
        raise KeyError(document)

    def __delitem__(self, document: int) -> None:
        """Take the value of a document away.

        Raises:
            KeyError: It has none.
        """
        if document not in self:
            raise KeyError(document)
        self._values[document] = _ABSENT
        self._count -= 1

    def __contains__(self, document: object) -> bool:
        """Tell whether a document has a value."""
        return isinstance(document, int) and self.get(document, _ABSENT) is not _ABSENT

    def __iter__(self) -> Iterator[int]:
        """List the documents that have one, in order."""
        return (
            document
            for document, value in enumerate(self._values)
            if value is not _ABSENT
        )

    def __len__(self) -> int:
        """Count the documents that have one."""
        return self._count

    @overload
    def get(self, document: int, /) -> T | None: ...
    @overload
    def get(self, document: int, /, default: T | D) -> T | D: ...
    def get(self, document: int, /, default: Any = None) -> Any:
        """Get the value of a document, or what stands for none."""
        if not 0 <= document < len(self._values):
            return default
        value = self._values[document]
        return default if value is _ABSENT else value

    def known(self) -> list[T]:
        """List the values, in the order of their documents."""
        return [value for value in self._values if value is not _ABSENT]

    def discard(self, document: int) -> None:
        """Take the value of a document away, if it has one."""
        if document in self:
            del self[document]
