"""The journal: what a run has finished, durable line by line.

Each process of a run appends to a file of its own: first which session of the run it
belongs to and what run it is of (a ``session`` and a ``run`` line), then what it set out
to do (one ``group`` line per group of tasks, one ``selection`` line per task), then the
samples of each document as it finishes. What a
run concludes is read from its journals alone, so that it is the same whether one
process wrote them or many, and whether they ended well or were killed.

A run has one session, and one more each time that it is resumed. A session adds its own
files to those of the sessions before it, which nobody changes any more.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
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
    TypeVar,
    cast,
)

from pytest_evalkit.codec import CodecError, decode, encode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate import SampleDict
from pytest_evalkit.results.locking import lock
from pytest_evalkit.results.syncing import Syncing

T = TypeVar("T")


JOURNAL_SCHEMA_VERSION = 1

# ``gw0.jsonl`` is of the first session of a run, ``gw0-2.jsonl`` of the second.
_NAME = re.compile(r"(?P<process>.+?)(?:-(?P<session>\d+))?")
_DIGITS = re.compile(r"(\d+)")


class SessionDict(TypedDict):
    """The first line of a journal: which session of the run it belongs to.

    ``session`` counts from one, ``started_at`` is in seconds since 1970 (UTC), and
    ``differences`` says in what the session differs from the ones before it, where the
    user went on all the same.
    """

    kind: Literal["session"]
    schema_version: int
    session: int
    process: str
    started_at: float
    differences: list[str]


class RunDict(TypedDict):
    """What run a journal is of.

    ``started_at`` is in seconds since 1970 (UTC), ``shard`` what ``--shard`` says: which
    of how many. ``options`` are those in force, without secrets; ``settings`` what they
    say about every task, by which its file is read as it was in the run. ``gates`` are
    those of command line and configuration, as written. In the journals of a merged run, ``part`` numbers the runs that it was made of, from one, and
    ``name`` is what the run's folder was called, and ``spans`` are when its sessions were
    at work: pairs of start and end, in seconds since 1970.
    """

    kind: Literal["run"]
    started_at: float
    shard: tuple[int, int] | None
    options: dict[str, Any]
    settings: dict[str, Any]
    gates: list[str]
    part: NotRequired[int]
    name: NotRequired[str]
    spans: NotRequired[list[tuple[float, float]]]


class WholeDict(TypedDict):
    """What ``--shard`` took its share of: so many documents, and a hash of which."""

    documents: int
    digest: str


class SelectionDict(TypedDict):
    """What one process set out to do of one task.

    ``shard`` numbers the worker's share, so that a replacement which repeats the line
    of a dead worker is not counted twice. ``path`` is None for cases in Python, and
    ``is_sample`` says that the documents were the shipped sample's. ``documents`` are
    the positions of those selected, as ranges of start, stop and step; ``filters`` are
    the names under which each has a sample, in their order; ``identity`` is by what the
    task is known again, each aspect with a short text. ``whole`` is there where the run
    was one of several shards, ``part`` where runs were merged.
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
    documents: NotRequired[Sequence[Sequence[int]]]
    filters: NotRequired[Sequence[str]]
    identity: NotRequired[Mapping[str, str]]


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

    The file is locked for as long as it is open, by which others can tell that somebody
    still writes it.

    Args:
        path: The file, which must not be there yet; its folder is made.
        masked: Takes secrets out of lines; None where there are none.

    Raises:
        ResultsError: The file cannot be made.
    """

    def __init__(
        self, path: Path, *, masked: Callable[[bytes], bytes] | None = None
    ) -> None:
        self._path = path
        self._masked = masked
        self._size = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
            self._file = os.open(path, flags, 0o644)
        except OSError as error:
            if path.exists():
                raise ResultsError(
                    f"{path} is there already: another process is resuming the same "
                    "run; let it end first"
                ) from error
            raise _unwritable(path, error) from error
        lock(self._file)
        self._syncing = Syncing(self._file)

    def write(self, lines: bytes) -> None:
        """Append whole lines, or none of them.

        Raises:
            ResultsError: They cannot be written, such as on a full disk; or what was
                written before could not be kept.
        """
        if self._syncing.failure is not None:
            raise _unwritable(self._path, self._syncing.failure)
        if self._masked is not None:
            lines = self._masked(lines)
        try:
            written = os.write(self._file, lines)
            while written < len(lines):
                written += os.write(self._file, lines[written:])
        except OSError as error:
            self._take_back()
            raise _unwritable(self._path, error) from error
        self._size += len(lines)
        self._syncing.is_due = True

    def keep_synced(self) -> None:
        """Have the disk itself hold all but the last second; to be called once."""
        self._syncing.begin()

    def sync(self) -> None:
        """Wait until the disk itself holds all that was written.

        Raises:
            ResultsError: It does not.
        """
        self._syncing.sync()
        if self._syncing.failure is not None:
            raise _unwritable(self._path, self._syncing.failure)

    def _take_back(self) -> None:
        """Cut off a part of a line, lest the next one be appended to it."""
        with suppress(OSError):
            os.ftruncate(self._file, self._size)

    def write_session(self, session: SessionDict) -> None:
        """Begin the journal.

        Raises:
            ResultsError: It cannot be written.
        """
        self.write(encode(session) + b"\n")

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
        self._syncing.end()
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


def journal_name(process: str, session: int) -> str:
    """Name the journal of a process.

    Args:
        process: Its name, such as ``main`` or ``gw0``.
        session: Number of the run's session, from one.

    >>> journal_name("gw0", 1), journal_name("gw0", 2)
    ('gw0.jsonl', 'gw0-2.jsonl')
    """
    return f"{process}.jsonl" if session == 1 else f"{process}-{session}.jsonl"


def session_of(path: Path) -> int:
    """Tell by its name which session of the run a journal belongs to, from one."""
    match = _NAME.fullmatch(path.stem)
    assert match is not None, "any name fits"
    return int(match["session"] or 1)


def journal_paths(folder: Path) -> list[Path]:
    """List the journals of a run; a place counts them in this order.

    A later session comes after an earlier one, and within a session a process after
    those that were started before it: of a document recorded twice, the last counts.
    """
    return sorted(folder.glob("*.jsonl"), key=_order)


def _order(path: Path) -> tuple[int, list[tuple[int, str]]]:
    parts = _DIGITS.split(path.stem)
    natural = [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
    return session_of(path), natural


def read_journals(folder: Path) -> Iterator[JournalLine]:
    """Read every journal of a run, file by file, line by line.

    The last line of a file may be torn by a kill; it is left out, since its document
    counts as not finished.

    Raises:
        ResultsError: A line that is not the last one is not JSON.
    """
    for journal, path in enumerate(journal_paths(folder)):
        for offset, value in read_lines(path, decode):
            yield JournalLine(value, Place(journal, offset))


def read_lines(path: Path, read: Callable[[bytes], T]) -> Iterator[tuple[int, T]]:
    """Read one journal, each line with the byte it begins at, but for a torn last one.

    Args:
        path: The journal.
        read: Makes of a line what is wanted of it.

    Raises:
        ResultsError: A line that is not the last one is not JSON.
    """
    offset = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                value = read(line)
            except CodecError as error:
                raise ResultsError(f"{path}:{number}: {error}") from error
            yield offset, value
            offset += len(line)


class PlaceReader:
    """Reads lines again by their place, keeping files open that it had to open.

    Args:
        paths: The journals, in the order in which places count them.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = list(paths)
        self._files = ExitStack()
        self._open: dict[int, BinaryIO] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files; they are opened again where that is needed."""
        self._files.close()
        self._open.clear()

    def line(self, place: Place) -> bytes:
        """Read one line, with its newline."""
        file = self._open.get(place.journal)
        if file is None:
            path = self._paths[place.journal]
            file = self._open[place.journal] = self._files.enter_context(
                path.open("rb")
            )
        # Seeking drops the buffer, and neighbours mostly stand one after the other.
        if file.tell() != place.offset:
            file.seek(place.offset)
        return file.readline()
