"""Pictures of the media of a run: written while it runs, read by its report.

Each process appends to a file of its own, a line for each medium, under the hash by
which samples name it. So no pixels are kept in memory, and what was shown can be looked
at long after the data set has gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pytest_evalkit.codec import CodecError, decode, encode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.messages.pictures import Picture
from pytest_evalkit.results.journal import JournalWriter

MOST_SMALL_BYTES = 128_000_000
"""Small pictures that one process keeps, in bytes."""

MOST_FULL_BYTES = 1_000_000_000
"""The same of pictures in full."""


class MediaWriter:
    """Appends pictures to the file of one process, those of a medium once.

    Args:
        path: The file, which must not be there yet; it and its folder are made with
            the first picture.
        most: Bytes to write; media beyond that are left out, and the file says so.
    """

    def __init__(self, path: Path, most: int) -> None:
        self._path = path
        self._most = most
        self._written = 0
        self._seen: set[str] = set()
        self._file: JournalWriter | None = None

    def wants(self, sha256: str) -> bool:
        """Tell whether a medium has not been offered yet, and there is room."""
        return sha256 not in self._seen and self._written < self._most

    def write(self, sha256: str, pictures: Sequence[Picture]) -> None:
        """Append the pictures of a medium.

        Raises:
            ResultsError: They cannot be written.
        """
        self._append(
            sha256,
            {
                "sha256": sha256,
                "pictures": [
                    {"mime": one.mime, "content": one.content, "label": one.label}
                    for one in pictures
                ],
            },
        )
        if self._written >= self._most:
            self._append("", {"full": self._most})

    def write_problem(self, sha256: str, problem: str) -> None:
        """Append why there are no pictures of a medium.

        Raises:
            ResultsError: It cannot be written.
        """
        self._append(sha256, {"sha256": sha256, "problem": problem})

    def _append(self, sha256: str, line: dict[str, Any]) -> None:
        self._seen.add(sha256)
        if self._file is None:
            self._file = JournalWriter(self._path)
        content = encode(line) + b"\n"
        self._file.write(content)
        self._written += len(content)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


class _Place(NamedTuple):
    path: Path
    offset: int
    size: int


class MediaShelf:
    """The pictures in a folder; only where they stand is kept in memory.

    Args:
        folder: Where the processes of a run wrote them; it may be absent.

    Raises:
        ResultsError: A file cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._places: dict[str, _Place] = {}
        self._problems: dict[str, str] = {}
        self._is_full = False
        for path in sorted(folder.glob("*.jsonl")):
            self._index(path)

    def _index(self, path: Path) -> None:
        offset = 0
        try:
            with path.open("rb") as file:
                for line in file:
                    self._note(line, _Place(path, offset, len(line)))
                    offset += len(line)
        except OSError as error:
            raise ResultsError(f"cannot read {path}: {error.strerror}") from error

    def _note(self, line: bytes, place: _Place) -> None:
        try:
            value = decode(line)
        except CodecError:
            # The last line of a process that was killed; its document was not done.
            return
        if "full" in value:
            self._is_full = True
        elif "problem" in value:
            self._problems[value["sha256"]] = value["problem"]
        else:
            self._places.setdefault(value["sha256"], place)

    def size(self, sha256: str) -> int | None:
        """Tell how many bytes the pictures of a medium take; None without any."""
        place = self._places.get(sha256)
        return None if place is None else place.size

    def pictures(self, sha256: str) -> list[Picture]:
        """Read the pictures of a medium, in order; empty where there are none.

        Raises:
            ResultsError: The file cannot be read any more.
        """
        place = self._places.get(sha256)
        if place is None:
            return []
        try:
            with place.path.open("rb") as file:
                file.seek(place.offset)
                value = decode(file.read(place.size))
        except OSError as error:
            raise ResultsError(f"cannot read {place.path}: {error.strerror}") from error
        return [Picture(**one) for one in value["pictures"]]

    @property
    def notes(self) -> list[str]:
        """What a reader should know of media without pictures, a line each."""
        notes = []
        if self._problems:
            count, first = len(self._problems), next(iter(self._problems.values()))
            notes.append(f"{count:,} media could not be shown: {first}")
        if self._is_full:
            notes.append("The run kept no further pictures for want of room.")
        return notes
