"""Concluding a run: its journals read once, and all that follows from them written."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pytest_evalkit.codec import decode, encode_pretty
from pytest_evalkit.evaluate import SampleDict
from pytest_evalkit.results.folder import RunFolder, write_whole
from pytest_evalkit.results.journal import (
    GroupDict,
    Place,
    PlaceReader,
    SelectionDict,
    SessionDict,
    read_lines,
    session_of,
)
from pytest_evalkit.results.load_lines import LoadLines
from pytest_evalkit.results.request_log import RequestLog
from pytest_evalkit.results.schema import (
    CacheDict,
    LimitDict,
    ResultsDict,
)
from pytest_evalkit.results.session_log import SessionLog
from pytest_evalkit.results.survey import survey
from pytest_evalkit.results.task_record import TaskFacts, TaskRecord
from pytest_evalkit.results.traffic import Traffic
from pytest_evalkit.results.wire_shapes import require_line


@dataclass(slots=True)
class RunRecord:
    """What all journals of a run say together, of what its last session set out to do.

    Attributes:
        tasks: By name, in the order of their first mention.
        groups: By name, outer ones before those within them.
        earlier: What the requests of earlier sessions cost.
        spending: What those of the last session did.
        model_name: What answered, or None where nothing was asked.
        model_description: How its answers came about.
        judge: Who judged and how, by ``name`` and ``description``; None for nobody.
        limits: How many requests could be in flight, as it was set; process by process.
        spent: What was spent when the last session refused a request for it, or None.
        load: What its processes say of its load.
        ended_in: The sessions whose budget or load came to its end before all was asked.
        is_short: Whether a document counts as skipped that such a session skipped.
        caches: What each process says last of the response cache, by process.
        sessions: The sessions of the run, in order.
        requests: Every request of the samples that count.
        paths: The journals, in the order in which places count them.
    """

    tasks: dict[str, TaskRecord] = field(default_factory=dict)
    groups: dict[str, GroupDict] = field(default_factory=dict)
    earlier: Traffic = field(default_factory=Traffic)
    spending: Traffic = field(default_factory=Traffic)
    requests: RequestLog = field(default_factory=RequestLog)
    model_name: str | None = None
    model_description: Mapping[str, Any] = field(default_factory=dict)
    judge: Mapping[str, Any] | None = None
    limits: list[LimitDict] = field(default_factory=list)
    spent: str | None = None
    load: LoadLines = field(default_factory=LoadLines)
    ended_in: set[int] = field(default_factory=set)
    is_short: bool = False
    caches: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    sessions: SessionLog = field(default_factory=SessionLog)
    paths: Sequence[Path] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every selected document was recorded, and none skipped for an end.

        Of money or of the load; documents skipped because they need what is not there
        are no gap.
        """
        is_recorded = all(task.is_complete for task in self.tasks.values())
        is_cut = self.spent is not None or self.load.ended is not None or self.is_short
        return is_recorded and not is_cut

    @property
    def traffic(self) -> Traffic:
        """What all requests cost."""
        return self.spending.joined(self.earlier)

    @property
    def concurrency(self) -> list[LimitDict]:
        """How many requests could be in flight, as it was set over time."""
        return sorted(self.limits, key=lambda limit: limit["t_s"])

    @property
    def cache(self) -> CacheDict | None:
        """What became of the requests in the response cache; None without one."""
        if not self.caches:
            return None
        said = self.caches.values()
        return {
            "hits": sum(one["hits"] for one in said),
            "misses": sum(one["misses"] for one in said),
            "stores": sum(one["stores"] for one in said),
            "sampled": sum(one["sampled"] for one in said),
        }

    @property
    def cache_problem(self) -> str | None:
        """Why a process could not go on with the response cache; None where all could."""
        problems = (one["problem"] for one in self.caches.values())
        return next((problem for problem in problems if problem is not None), None)

    def resumed(self) -> dict[str, int]:
        """Count the documents of each task that were taken from earlier sessions."""
        earlier = [session_of(path) < self.sessions.last for path in self.paths]
        if not any(earlier):
            return dict.fromkeys(self.tasks, 0)
        return {
            name: task.resumed(lambda place: earlier[place.journal])
            for name, task in self.tasks.items()
        }

    def note(self, line: Mapping[str, Any], session: int) -> None:
        """Take in a line that is neither a selection nor a sample.

        Args:
            line: The line.
            session: The session that it is of.
        """
        kind, is_last = line["kind"], session >= self.sessions.last
        said = {name: value for name, value in line.items() if name != "kind"}
        if is_last:
            self.load.note(kind, said)
        if kind in {"budget", "load_end"}:
            self.ended_in.add(session)
        if kind == "concurrency" and is_last:
            self.limits.append(cast("LimitDict", said))
        elif kind == "budget" and is_last:
            self.spent = line["reason"]
        elif kind == "cache" and is_last:
            self.caches[line["process"]] = line
        elif kind == "group" and is_last:
            self.groups[line["name"]] = cast("GroupDict", line)
        elif kind == "judge":
            self.judge = said
        elif kind == "model":
            self.model_name = line["name"]
            self.model_description = line["description"]
        elif kind == "session":
            self.sessions.begin(cast("SessionDict", line))


def read_run(
    folder: RunFolder, facts_of: Callable[[SelectionDict], TaskFacts]
) -> RunRecord:
    """Read the journals of a run.

    Args:
        folder: The run's folder.
        facts_of: Looks a task up by what its selection line says.

    Raises:
        ResultsError: A journal is damaged other than at its end.
    """
    found = survey(folder.journal_dir)
    last = found.last_session
    record = RunRecord(paths=found.paths, sessions=SessionLog(last))
    for session, line in found.notes:
        record.note(line, session)
    for name, task in found.tasks.items():
        if task.session == last:
            record.tasks[name] = TaskRecord(name, task, facts_of(task.said))
    # Little of what is read is garbage, and looking for it takes longer the more is
    # kept.
    with _uncollected():
        for journal, path in enumerate(found.paths):
            session = found.sessions[journal]
            for offset, line in read_lines(path, _read_line):
                if "kind" not in line and _take(
                    record, line, Place(journal, offset), session
                ):
                    record.requests.add(line, found.dates.get(journal, 0.0))
    return record


@contextmanager
def _uncollected() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read_line(line: bytes) -> Any:
    """Read a line that a run of ours wrote.

    Raises:
        CodecError: It is none.
    """
    value = decode(line)
    require_line(value)
    return value


def _take(record: RunRecord, line: Any, place: Place, session: int) -> bool:
    """Take in a sample; tell whether it counts."""
    sample = cast("SampleDict", line)
    record.sessions.see(session, sample)
    task = record.tasks.get(sample["task"])
    if task is None or not task.add(sample, place):
        return False
    if sample["status"] == "skipped" and session in record.ended_in:
        record.is_short = True
    is_last = session == record.sessions.last
    traffic = record.spending if is_last else record.earlier
    traffic.add(sample)
    return True


def write_samples(folder: RunFolder, record: RunRecord) -> None:
    """Write the samples of each task, in document order, each file whole.

    Raises:
        ResultsError: A file cannot be written.
    """
    for task in record.tasks.values():
        with PlaceReader(record.paths) as reader:
            lines = map(reader.line, task.places())
            write_whole(folder.samples_path(task.name), lines)


def write_results(folder: RunFolder, results: ResultsDict) -> None:
    """Write the results, whole.

    Raises:
        ResultsError: The file cannot be written.
    """
    write_whole(folder.results_path, [encode_pretty(results)])
