"""The journal: what a run has finished, durable line by line.

Each process of a run appends to a file of its own: first what run it is of (a ``run``
line) and what it set out to do (one ``group`` line per group of tasks, one ``selection``
line per task), then the samples of each document as it finishes. What a
run concludes is read from its journals alone, so that it is the same whether one
process wrote them or many, and whether they ended well or were killed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import (
    Any,
    BinaryIO,
    Literal,
    NamedTuple,
    NotRequired,
    Self,
    TypedDict,
    cast,
)

from pytest_evalkit.codec import CodecError, decode, encode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate import SampleDict


class RunDict(TypedDict):
    """What run a journal is of.

    ``started_at`` is in seconds since 1970 (UTC), ``shard`` what ``--shard`` says: which
    of how many. ``options`` are those in force, without secrets; ``settings`` what they
    say about every task, by which its file is read as it was in the run. ``gates`` are
    those of command line and configuration, as written. In the journals of a merged run, ``part`` numbers the runs that it was made of, from one, and
    ``name`` is what the run's folder was called.
    """

    kind: Literal["run"]
    started_at: float
    shard: tuple[int, int] | None
    options: dict[str, Any]
    settings: dict[str, Any]
    gates: list[str]
    part: NotRequired[int]
    name: NotRequired[str]


class WholeDict(TypedDict):
    """What ``--shard`` took its share of: so many documents, and a hash of which."""

    documents: int
    digest: str


class SelectionDict(TypedDict):
    """What one process set out to do of one task.

    ``shard`` numbers the worker's share, so that a replacement which repeats the line
    of a dead worker is not counted twice. ``path`` is None for cases in Python, and
    ``is_sample`` says that the documents were the shipped sample's. ``whole`` is there
    where the run was one of several shards, ``part`` where runs were merged.
    """

    kind: Literal["selection"]
    task: str
    path: str | None
    shard: int
    original: int
    selected: int
    fingerprint: str
    is_sample: bool
    whole: NotRequired[WholeDict]
    part: NotRequired[int]


class GroupMetricDict(TypedDict):
    """A metric that a group averages; ``filters`` is None for all that its tasks have."""

    metric: str
    filters: list[str] | None
    weight_by_size: bool


class GroupDict(TypedDict):
    """A group of tasks that the run was asked for.

    ``members`` are its direct children, ``tasks`` all tasks below it. ``path`` is its
    file, and ``gates`` are as that has them. Every process writes it.
    """

    kind: Literal["group"]
    name: str
    alias: str
    path: str
    members: list[str]
    tasks: list[str]
    metrics: list[GroupMetricDict]
    version: Any
    gates: list[dict[str, Any]]


class JournalWriter:
    """Appends lines to the journal of one process; each is on its way to disk at once.

    Args:
        path: The file; its folder is made.
        masked: Takes secrets out of lines; None where there are none.

    Raises:
        ResultsError: The file cannot be made.
    """

    def __init__(
        self, path: Path, *, masked: Callable[[bytes], bytes] | None = None
    ) -> None:
        self._path = path
        self._masked = masked
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise _unwritable(path, error) from error

    def write(self, lines: bytes) -> None:
        """Append whole lines.

        Raises:
            ResultsError: They cannot be written, such as on a full disk.
        """
        if self._masked is not None:
            lines = self._masked(lines)
        try:
            written = os.write(self._file, lines)
            while written < len(lines):
                written += os.write(self._file, lines[written:])
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def write_run(self, run: RunDict) -> None:
        """Append what run the journal is of.

        Raises:
            ResultsError: It cannot be written.
        """
        self.write(encode(run) + b"\n")

    def write_selection(self, selection: SelectionDict) -> None:
        """Append what this process sets out to do of one task.

        Raises:
            ResultsError: It cannot be written.
        """
        self.write(encode(selection) + b"\n")

    def write_group(self, group: GroupDict) -> None:
        """Append a group of tasks that the run was asked for.

        Raises:
            ResultsError: It cannot be written.
        """
        self.write(encode(group) + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def _unwritable(path: Path, error: OSError) -> ResultsError:
    return ResultsError(
        f"cannot write {path}: {error.strerror}; free space or choose another "
        "folder with --output-path"
    )


class Place(NamedTuple):
    """Where a line stands: the number of its journal, and the byte it begins at."""

    journal: int
    offset: int


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line of a journal with its place."""

    value: dict[str, Any]
    place: Place

    @property
    def selection(self) -> SelectionDict | None:
        """The line as a selection, or None where it is a sample."""
        if self.value.get("kind") == "selection":
            return cast("SelectionDict", self.value)
        return None

    @property
    def sample(self) -> SampleDict:
        """The line as a sample."""
        return cast("SampleDict", self.value)


def journal_paths(folder: Path) -> list[Path]:
    """List the journals of a run; a place counts them in this order."""
    return sorted(folder.glob("*.jsonl"))


def read_journals(folder: Path) -> Iterator[JournalLine]:
    """Read every journal of a run, file by file, line by line.

    The last line of a file may be torn by a kill; it is left out, since its document
    counts as not finished.

    Raises:
        ResultsError: A line that is not the last one is not JSON.
    """
    for journal, path in enumerate(journal_paths(folder)):
        yield from _read_journal(journal, path)


def _read_journal(journal: int, path: Path) -> Iterator[JournalLine]:
    offset = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                value = decode(line)
            except CodecError as error:
                raise ResultsError(f"{path}:{number}: {error}") from error
            yield JournalLine(value, Place(journal, offset))
            offset += len(line)


class PlaceReader:
    """Reads lines again by their place, keeping the files open in between.

    Args:
        folder: Where the journals are.
    """

    def __init__(self, folder: Path) -> None:
        self._files = ExitStack()
        self._open: list[BinaryIO] = [
            self._files.enter_context(path.open("rb")) for path in journal_paths(folder)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def line(self, place: Place) -> bytes:
        """Read one line, with its newline."""
        file = self._open[place.journal]
        # Seeking drops the buffer, and neighbours mostly stand one after the other.
        if file.tell() != place.offset:
            file.seek(place.offset)
        return file.readline()
