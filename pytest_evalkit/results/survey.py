"""What the journals of a run hold, without reading all of it.

A survey reads of each line only what it is of, and keeps eight bytes for each sample:
where it stands. The rest is read again where it is wanted. So a journal of a million
lines is surveyed in seconds.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict, cast

from pytest_evalkit.codec import CodecError, decode, part_reader
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate.sample import Status
from pytest_evalkit.results.journal import (
    Place,
    SelectionDict,
    journal_paths,
    read_lines,
    session_of,
)
from pytest_evalkit.results.positions import Positions
from pytest_evalkit.results.wire_shapes import require_line

_OFFSET_BITS = 48
_OFFSET_MASK = (1 << _OFFSET_BITS) - 1
_NOWHERE = -1


class _HeadDict(TypedDict, total=False):
    """What a line is of."""

    kind: str
    task: str
    doc_id: int
    filter: str
    status: Status


_SAMPLE_KEYS = _HeadDict.__annotations__.keys() - {"kind"}

_STATUSES: Sequence[Status | None] = (
    None,
    "scored",
    "error",
    "skipped",
    "answered",
)
_STATUS_NUMBERS: Mapping[str | None, int] = {
    status: number for number, status in enumerate(_STATUSES)
}


class TaskSurvey:
    """Where the samples of a task stand, and what became of its documents.

    Of a document recorded several times, the last record counts. A record that lacks
    the sample of a filter was torn, and does not count.

    Attributes:
        session: The last session of the run that set out to do the task.
        selections: What its processes set out to do, by share.

    Args:
        first: The first line that mentions the task.
        session: The session that it is of.
    """

    def __init__(self, first: SelectionDict, session: int) -> None:
        self.session = session
        self.selections = {first["shard"]: first}
        self._places: dict[str, array[int]] = {}
        self._status = bytearray()
        self._begun: dict[str, int] = {}
        self._begun_document = _NOWHERE

    def select(self, selection: SelectionDict, session: int) -> None:
        """Take in what a process set out to do; a later session's replaces all."""
        if session != self.session:
            self.session = session
            self.selections = {}
        self.selections[selection["shard"]] = selection

    @property
    def said(self) -> SelectionDict:
        """What holds for the whole task, as the first share says it."""
        return next(iter(self.selections.values()))

    @property
    def selected(self) -> Collection[int] | None:
        """The documents of the last session; None where it did not say which."""
        ranges: list[Sequence[int]] = []
        for selection in self.selections.values():
            if "documents" not in selection:
                return None
            ranges.extend(selection["documents"])
        # A range of Python's tells in no time what is in it.
        return range(*ranges[0]) if len(ranges) == 1 else Positions(ranges)

    def add(self, head: _HeadDict, packed: int) -> None:
        """Take in where a sample stands; those of a document follow each other."""
        document, name = head["doc_id"], head["filter"]
        if document != self._begun_document or name in self._begun:
            self._begun = {}
            self._begun_document = document
        self._begun[name] = packed
        if len(self._begun) >= len(self.said.get("filters", ())):
            self._record(document, _STATUS_NUMBERS[head["status"]])

    def _record(self, document: int, status: int) -> None:
        if document >= len(self._status):
            self._grow(document + 1)
        self._status[document] = status
        for name in self._begun.keys() - self._places.keys():
            self._places[name] = array("q", [_NOWHERE]) * len(self._status)
        for name, places in self._places.items():
            places[document] = self._begun.get(name, _NOWHERE)

    def _grow(self, size: int) -> None:
        more = max(size, 2 * len(self._status)) - len(self._status)
        self._status.extend(bytes(more))
        for places in self._places.values():
            places.extend(array("q", [_NOWHERE]) * more)

    def status(self, document: int) -> Status | None:
        """Tell what became of a document; None where that is not recorded."""
        known = document < len(self._status)
        return _STATUSES[self._status[document]] if known else None

    def documents(self) -> Iterator[int]:
        """List the recorded documents in order."""
        return (number for number, status in enumerate(self._status) if status)

    def places(self, document: int, filters: Iterable[str]) -> Iterator[Place]:
        """Tell where the samples of a recorded document stand, in the filters' order."""
        for name in filters:
            packed = self._places[name][document] if name in self._places else _NOWHERE
            if packed != _NOWHERE:
                yield _unpacked(packed)

    def is_latest(self, document: int, name: str, place: Place) -> bool:
        """Tell whether a sample is the one that counts."""
        places = self._places.get(name)
        known = places is not None and document < len(places)
        return known and places[document] == _packed(place)  # type: ignore[index]


@dataclass(slots=True)
class Survey:
    """What the journals of a run hold.

    Attributes:
        paths: The journals, in the order in which places count them.
        sessions: Of each journal, the session of the run that it belongs to.
        tasks: By name, in the order of their first mention.
        notes: Every line that is no sample, with its session; in order.
        dates: By journal, when the clock of its times began, in seconds since 1970.
    """

    paths: Sequence[Path]
    sessions: Sequence[int]
    tasks: dict[str, TaskSurvey] = field(default_factory=dict)
    notes: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    dates: dict[int, float] = field(default_factory=dict)

    @property
    def last_session(self) -> int:
        """The last session that set out to do anything; 0 where none did."""
        return max((task.session for task in self.tasks.values()), default=0)

    def session_at(self, place: Place) -> int:
        """Tell which session wrote a line."""
        return self.sessions[place.journal]


def survey(folder: Path, is_wanted: Callable[[Path], bool] | None = None) -> Survey:
    """Look through the journals of a run.

    Args:
        folder: Where they are.
        is_wanted: Tells which to look through; None for all of them.

    Raises:
        ResultsError: A line that is not the last one of its file is damaged.
    """
    paths = journal_paths(folder)
    found = Survey(paths, [session_of(path) for path in paths])
    for journal, path in enumerate(paths):
        if is_wanted is None or is_wanted(path):
            _survey_journal(found, journal, path)
    return found


def _survey_journal(found: Survey, journal: int, path: Path) -> None:
    base = journal << _OFFSET_BITS
    for offset, line in read_lines(path, _read_head):
        if "kind" in line:
            _note(found, journal, cast("dict[str, Any]", line))
            continue
        task = found.tasks.get(line["task"])
        if task is None:
            raise ResultsError(f"{path}: no line announces the task {line['task']!r}")
        task.add(line, base | offset)


def _note(found: Survey, journal: int, line: dict[str, Any]) -> None:
    session = found.sessions[journal]
    found.notes.append((session, line))
    if line["kind"] == "run":
        found.dates.setdefault(journal, line["started_at"])
    if line["kind"] != "selection":
        return
    selection = cast("SelectionDict", line)
    task = found.tasks.get(selection["task"])
    if task is None:
        found.tasks[selection["task"]] = TaskSurvey(selection, session)
    else:
        task.select(selection, session)


_head_of = part_reader(_HeadDict)


def _read_head(line: bytes) -> _HeadDict:
    """Read what a sample is of; all of any other line.

    Raises:
        CodecError: No run of ours wrote it.
    """
    head = _head_of(line)
    if "kind" in head or not head.keys() >= _SAMPLE_KEYS:
        whole: _HeadDict = decode(line)
        require_line(whole)
        return whole
    if head["doc_id"] < 0:
        raise CodecError(f"doc_id is 0 or more, not {head['doc_id']}")
    return head


def _packed(place: Place) -> int:
    return place.journal << _OFFSET_BITS | place.offset


def _unpacked(packed: int) -> Place:
    return Place(packed >> _OFFSET_BITS, packed & _OFFSET_MASK)
