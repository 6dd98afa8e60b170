"""Concluding a run: its journals read once, and all that follows from them written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from pytest_evalkit.codec import CodecError, encode_pretty
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate import SampleDict
from pytest_evalkit.results.aggregate import Tally
from pytest_evalkit.results.document import TaskConclusion
from pytest_evalkit.results.folder import RunFolder, write_whole
from pytest_evalkit.results.journal import (
    GroupDict,
    JournalLine,
    Place,
    PlaceReader,
    SelectionDict,
    journal_paths,
    read_journals,
)
from pytest_evalkit.results.schema import CacheDict, LimitDict, ResultsDict
from pytest_evalkit.results.traffic import Traffic
from pytest_evalkit.results.wire_shapes import require_line
from pytest_evalkit.scoring import ScoringPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFacts:
    """What concluding needs to know of a task beyond its samples.

    Attributes:
        alias: What tables call it.
        config: The task file as it was resolved, in JSON values.
        version: Version of the task.
        num_fewshot: Worked examples in each prompt.
        plan: How it scores.
    """

    alias: str
    config: Mapping[str, Any]
    version: Any
    num_fewshot: int
    plan: ScoringPlan


_OFFSET_BITS = 48
_OFFSET_MASK = (1 << _OFFSET_BITS) - 1


class TaskRecord:
    """What the journals say of one task."""

    def __init__(self, first: SelectionDict, facts: TaskFacts) -> None:
        self.name = first["task"]
        self.facts = facts
        self.tally = Tally(facts.plan)
        self._selections = {first["shard"]: first}
        # By filter, then document; a place is packed into one number, since a run may
        # have hundreds of thousands of them.
        self._places: dict[str, dict[int, int]] = {
            pipeline.name: {} for pipeline in facts.plan.pipelines
        }

    def select(self, selection: SelectionDict) -> None:
        """Take in what a process set out to do; once per share."""
        self._selections[selection["shard"]] = selection

    def add(self, sample: SampleDict, place: Place) -> None:
        """Take in one sample."""
        self.tally.add(sample)
        places = self._places.setdefault(sample["filter"], {})
        places[sample["doc_id"]] = place.journal << _OFFSET_BITS | place.offset

    @property
    def selections(self) -> Sequence[SelectionDict]:
        """What each process set out to do."""
        return list(self._selections.values())

    @property
    def is_complete(self) -> bool:
        """Whether every selected document has been recorded, however it ended."""
        recorded = max((len(places) for places in self._places.values()), default=0)
        return recorded >= self._selected

    @property
    def _selected(self) -> int:
        return sum(said["selected"] for said in self._selections.values())

    def places(self) -> Iterator[Place]:
        """Tell where the samples stand: by document, then in the filters' order."""
        documents = sorted({doc for places in self._places.values() for doc in places})
        for doc_id in documents:
            for places in self._places.values():
                packed = places.get(doc_id)
                if packed is not None:
                    yield Place(packed >> _OFFSET_BITS, packed & _OFFSET_MASK)

    def conclude(self, *, judge_partial: bool) -> TaskConclusion:
        """Aggregate the task.

        Args:
            judge_partial: True when gates are to be judged on part of the documents.
        """
        said = next(iter(self._selections.values()))
        aggregates = self.tally.aggregates()
        return TaskConclusion(
            name=self.name,
            alias=self.facts.alias,
            config=self.facts.config,
            version=self.facts.version,
            num_fewshot=self.facts.num_fewshot,
            directions={row["metric"]: row["higher_is_better"] for row in aggregates},
            aggregates=aggregates,
            coverage=self.tally.coverage(said["original"], self._selected),
            error_kinds=self.tally.error_kinds(),
            task_hash=self.tally.task_hash(),
            fingerprint=said["fingerprint"],
            partial=None if judge_partial else self._partial(said),
        )

    def _partial(self, said: SelectionDict) -> str | None:
        if said["is_sample"]:
            return "the documents are the shipped sample's (--sample)"
        if self._selected < said["original"]:
            return (
                f"{self._selected} of {said['original']} documents were selected "
                "(--gate-partial judges all the same)"
            )
        return None


@dataclass(slots=True)
class RunRecord:
    """What all journals of a run say together.

    Attributes:
        tasks: By name, in the order of their first mention.
        groups: By name, outer ones before those within them.
        traffic: What the requests cost.
        model_name: What answered, or None where nothing was asked.
        model_description: How its answers came about.
        judge: Who judged and how, by ``name`` and ``description``; None for nobody.
        limits: How many requests could be in flight, as it was set; process by process.
        spent: By what the budget came to its end, or None.
        caches: What each process says last of the response cache, by process.
    """

    tasks: dict[str, TaskRecord] = field(default_factory=dict)
    groups: dict[str, GroupDict] = field(default_factory=dict)
    traffic: Traffic = field(default_factory=Traffic)
    model_name: str | None = None
    model_description: Mapping[str, Any] = field(default_factory=dict)
    judge: Mapping[str, Any] | None = None
    limits: list[LimitDict] = field(default_factory=list)
    spent: str | None = None
    caches: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether every selected document has been recorded, and none for want of money.

        Documents skipped because they need what is not there are no gap.
        """
        is_recorded = all(task.is_complete for task in self.tasks.values())
        return is_recorded and self.spent is None

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

    def note(self, line: Mapping[str, Any]) -> None:
        """Take in a line that is neither a selection nor a sample."""
        said = {name: value for name, value in line.items() if name != "kind"}
        if line["kind"] == "concurrency":
            self.limits.append(cast("LimitDict", said))
        elif line["kind"] == "budget":
            self.spent = line["reason"]
        elif line["kind"] == "cache":
            self.caches[line["process"]] = line
        elif line["kind"] == "group":
            self.groups[line["name"]] = cast("GroupDict", line)
        elif line["kind"] == "judge":
            self.judge = said
        elif line["kind"] == "model":
            self.model_name = line["name"]
            self.model_description = line["description"]


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
    record = RunRecord()
    for line in read_journals(folder.journal_dir):
        _require_sound(line, folder, record)
        selection = line.selection
        if selection is not None:
            task = record.tasks.get(selection["task"])
            if task is None:
                facts = facts_of(selection)
                record.tasks[selection["task"]] = TaskRecord(selection, facts)
            else:
                task.select(selection)
        elif "kind" in line.value:
            record.note(line.value)
        else:
            sample = line.sample
            record.tasks[sample["task"]].add(sample, line.place)
            record.traffic.add(sample)
    return record


def _require_sound(line: JournalLine, folder: RunFolder, record: RunRecord) -> None:
    """Refuse a line that no run of ours wrote."""
    try:
        require_line(line.value)
    except CodecError as error:
        raise _damage(line, folder, str(error)) from error
    if "kind" not in line.value and line.sample["task"] not in record.tasks:
        problem = f"nobody set out to do task {line.sample['task']!r}"
        raise _damage(line, folder, problem)


def _damage(line: JournalLine, folder: RunFolder, problem: str) -> ResultsError:
    path = journal_paths(folder.journal_dir)[line.place.journal]
    return ResultsError(f"{path} is damaged at byte {line.place.offset}: {problem}")


def write_samples(folder: RunFolder, record: RunRecord) -> None:
    """Write the samples of each task, in document order, each file whole.

    Raises:
        ResultsError: A file cannot be written.
    """
    for task in record.tasks.values():
        with PlaceReader(folder.journal_dir) as reader:
            lines = map(reader.line, task.places())
            write_whole(folder.samples_path(task.name), lines)


def write_results(folder: RunFolder, results: ResultsDict) -> None:
    """Write the results, whole.

    Raises:
        ResultsError: The file cannot be written.
    """
    write_whole(folder.results_path, [encode_pretty(results)])
