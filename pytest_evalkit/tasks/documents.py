"""The documents of a split: what every kind of storage offers, and JSON Lines."""

from __future__ import annotations

import hashlib
import mmap
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.errors import DatasetError
from pytest_evalkit.tasks.doc_hash import doc_hash

_BOM = b"\xef\xbb\xbf"


class Documents(Protocol):
    """The rows of one split."""

    @property
    def columns(self) -> Sequence[str]:
        """Names of all columns, in the order they appear."""
        ...

    @property
    def folder(self) -> Path | None:
        """Where relative paths in the rows start, or None where unknown."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Read one row; a column that the row lacks is None."""
        ...

    def column(self, name: str) -> Sequence[Any]:
        """Read one column of every row, without decoding media."""
        ...

    def fingerprint(self) -> str:
        """Identify the content of the rows."""
        ...


class JsonLines:
    """Rows of JSON Lines files, decoded when they are asked for.

    The library ``datasets`` reads such files too; its import alone takes longer than
    reading most benchmarks does here.
    """

    def __init__(self, paths: Sequence[Path], *, keep: Iterable[str] = ()) -> None:
        """Check every row once, and remember where it begins.

        Args:
            paths: The files; their rows follow one another.
            keep: Columns to remember while the rows are read.

        Raises:
            DatasetError: A file cannot be read or a line is no JSON object.
        """
        self._paths = tuple(paths)
        self._contents = [_content(path) for path in paths]
        self._files = array("I")
        self._starts = array("Q")
        self._ends = array("Q")
        self._kept: dict[str, list[Any]] = {name: [] for name in keep}
        self._empty = self._scan()

    @property
    def columns(self) -> Sequence[str]:
        """Every key that occurs in a row, in order of first occurrence."""
        return tuple(self._empty)

    @property
    def folder(self) -> Path:
        """The folder of the first file."""
        return self._paths[0].parent

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> dict[str, Any]:
        content = self._contents[self._files[index]]
        row: dict[str, Any] = decode(content[self._starts[index] : self._ends[index]])
        if len(row) == len(self._empty):
            return row
        return {**self._empty, **row}

    def column(self, name: str) -> Sequence[Any]:
        """Read one column of every row."""
        if name in self._kept:
            return self._kept[name]
        return [self[index].get(name) for index in range(len(self))]

    def fingerprint(self) -> str:
        """Hash the bytes of the files."""
        return files_fingerprint(self._paths)

    def _scan(self) -> dict[str, None]:
        columns: dict[str, None] = {}
        for number, content in enumerate(self._contents):
            for start, end in _lines(content):
                row = self._row(number, content, start, end)
                self._files.append(number)
                self._starts.append(start)
                self._ends.append(end)
                if row.keys() != columns.keys():
                    columns.update(dict.fromkeys(row))
                for name, values in self._kept.items():
                    values.append(row.get(name))
        return columns

    def _row(
        self, number: int, content: mmap.mmap | bytes, start: int, end: int
    ) -> dict[str, Any]:
        try:
            row = decode(content[start:end])
        except CodecError as error:
            raise self._line_error(str(error), number, start) from error
        if not isinstance(row, dict):
            problem = f"a row is an object, not a {type(row).__name__}"
            raise self._line_error(problem, number, start)
        return row

    def _line_error(self, problem: str, number: int, start: int) -> DatasetError:
        line = self._contents[number][:start].count(b"\n") + 1
        return DatasetError(problem, path=self._paths[number], line=line)


def _lines(content: mmap.mmap | bytes) -> Iterator[tuple[int, int]]:
    """Find where each line that is not blank begins and ends."""
    start = len(_BOM) if content[: len(_BOM)] == _BOM else 0
    while start < len(content):
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end
        if content[start:end].strip():
            yield start, end
        start = end + 1


class Rows:
    """Rows that a function of the task returned as a plain list."""

    def __init__(
        self, rows: Iterable[Mapping[str, Any]], *, folder: Path | None = None
    ) -> None:
        self._rows = tuple(rows)
        self._empty: dict[str, None] = {}
        for row in self._rows:
            self._empty.update(dict.fromkeys(row))
        self._folder = folder

    @property
    def columns(self) -> Sequence[str]:
        """Every key that occurs in a row, in order of first occurrence."""
        return tuple(self._empty)

    @property
    def folder(self) -> Path | None:
        """Where relative paths in the rows start, or None."""
        return self._folder

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {**self._empty, **self._rows[index]}

    def column(self, name: str) -> Sequence[Any]:
        """Read one column of every row."""
        return [row.get(name) for row in self._rows]

    def fingerprint(self) -> str:
        """Hash every row."""
        digest = hashlib.sha256()
        for row in self._rows:
            digest.update(doc_hash(row).encode())
        return digest.hexdigest()


def files_fingerprint(paths: Iterable[Path]) -> str:
    """Hash the bytes of files, one after another, as SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _content(path: Path) -> mmap.mmap | bytes:
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                # An empty file cannot be mapped.
                return b""
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise DatasetError(f"cannot be read: {error.strerror}", path=path) from error
