"""The runs that are to be merged, as their journals tell of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, cast

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate import SampleDict
from pytest_evalkit.results.conclusion import RunRecord, read_run
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.journal import (
    Place,
    PlaceReader,
    RunDict,
    SelectionDict,
    journal_paths,
)
from pytest_evalkit.results.read import read_results
from pytest_evalkit.results.schema import ResultsDict
from pytest_evalkit.results.task_record import TaskFacts
from pytest_evalkit.scoring import ScoringPlan
from pytest_evalkit.scoring.plan import FilterPipeline

MERGED_FROM = "merged_from"
"""The key of ``config`` in the results of a merged run that names what it is made of."""

# What says which run a journal is of stands among its first lines.
_HEAD_LINES = 8


@dataclass(slots=True, kw_only=True)
class Part:
    """One run as pytest made it: given alone, or within a merged run.

    Attributes:
        label: What messages call it.
        name: What the folder was called that it was written to.
        said: What it says of itself.
        selections: What its processes set out to do, by task.
        samples: The documents of each task with the places of their samples, in order.
        spans: When its sessions were at work, as seconds since 1970: the end of the last
            document by the start.
    """

    label: str
    name: str
    said: RunDict
    selections: dict[str, list[SelectionDict]] = field(default_factory=dict)
    samples: dict[str, list[tuple[int, Place]]] = field(default_factory=dict)
    spans: dict[float, float] = field(default_factory=dict)

    @property
    def shard(self) -> tuple[int, int] | None:
        """Which of how many shards it is; None for a run without ``--shard``."""
        said = self.said["shard"]
        return None if said is None else (said[0], said[1])

    def selected(self, task: str) -> int:
        """How many documents of a task it was to evaluate."""
        return sum(one["selected"] for one in self.selections.get(task, ()))

    def documents(self, task: str) -> set[int]:
        """The documents of a task that it evaluated, however they ended."""
        return {doc_id for doc_id, _ in self.samples.get(task, ())}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A run that is to be merged.

    Attributes:
        label: What messages call it: its path as it was given.
        folder: Where it is.
        record: What its journals say.
        parts: The runs that it is made of: itself, or those that were merged into it.
        results: What it concluded, or None where it was killed before.
    """

    label: str
    folder: RunFolder
    record: RunRecord
    parts: Sequence[Part]
    results: ResultsDict | None

    @property
    def is_complete(self) -> bool:
        """Whether it did all that it set out to do.

        Of a merged run that is asked of its journals alone: which shards it lacks counts
        anew with those that are given beside it.
        """
        results = self.results
        is_merged = results is not None and MERGED_FROM in results["config"]
        is_broken_off = results is not None and not results["complete"]
        return self.record.is_complete and (is_merged or not is_broken_off)


def run_folders(paths: Iterable[Path]) -> list[Path]:
    """Find the runs that paths stand for.

    Args:
        paths: Run folders, files in them, or folders above several runs.

    Raises:
        ResultsError: There is no run at a path, or one is given twice.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for folder in _folders_at(path):
            known = found.setdefault(folder.resolve(), folder)
            if known is not folder:
                raise ResultsError(f"{folder} is given twice; give each run once")
    return list(found.values())


def _folders_at(path: Path) -> list[Path]:
    if not path.exists():
        raise ResultsError(f"there is no {path}")
    folder = path if path.is_dir() else path.parent
    if RunFolder(folder).journal_dir.is_dir():
        return [folder]
    below = sorted(journal.parent for journal in folder.rglob("journal"))
    if not below or not path.is_dir():
        raise ResultsError(
            f"{path} holds no run; give the folders that runs are written to, such as "
            "results/MODEL/TIMESTAMP, or a folder above them"
        )
    return below


def read_source(folder: Path) -> Source:
    """Read what the journals of a run tell of it.

    Args:
        folder: The run's folder.

    Raises:
        ResultsError: They are damaged, or do not say what run they are of.
    """
    run = RunFolder(folder)
    heads = [head_of(path) for path in journal_paths(run.journal_dir)]
    parts = _parts(folder, heads)
    record = read_run(run, bare_facts)
    for task in record.tasks.values():
        for selection in task.selections:
            part = parts[selection.get("part", 0)]
            part.selections.setdefault(task.name, []).append(selection)
    for sample, place in counted_samples(record):
        head = heads[place.journal]
        assert head is not None, "a journal with a sample has a head"
        _add(parts[head.get("part", 0)], sample, place, head["started_at"])
    results = read_results(folder) if run.results_path.exists() else None
    return Source(
        label=str(folder),
        folder=run,
        record=record,
        parts=[part for _, part in sorted(parts.items())],
        results=results,
    )


def head_of(path: Path) -> RunDict | None:
    """Read what run a journal is of; None where it was killed before it said so.

    Raises:
        ResultsError: It says other things, but not that.
    """
    with path.open("rb") as file:
        lines = [line for line in islice(file, _HEAD_LINES) if line.endswith(b"\n")]
    for line in lines:
        value = _decoded(path, line)
        if value.get("kind") == "run":
            return cast("RunDict", value)
    if not lines:
        return None
    raise ResultsError(
        f"{path} does not say what run it is of: an older version of pytest-evalkit "
        "wrote it, so that it cannot be merged; run it anew"
    )


def _decoded(path: Path, line: bytes) -> dict[str, Any]:
    """Read a line of a journal.

    Raises:
        ResultsError: It is no object.
    """
    try:
        value = decode(line)
    except CodecError as error:
        raise ResultsError(f"{path}: {error}") from error
    if not isinstance(value, dict):
        raise ResultsError(f"{path}: a line is no object, but {value!r:.80}")
    return value


def _parts(folder: Path, heads: Iterable[RunDict | None]) -> dict[int, Part]:
    parts: dict[int, Part] = {}
    for said in heads:
        if said is None:
            continue
        number = said.get("part", 0)
        known = parts.get(number)
        if known is not None and known.said["started_at"] <= said["started_at"]:
            continue
        shard = said["shard"]
        within = f"{folder}: {said['name']}" if "name" in said else str(folder)
        parts[number] = Part(
            label=f"{within} (shard {shard[0]}/{shard[1]})" if shard else within,
            name=said.get("name", run_name(folder)),
            said=said,
            spans=dict(said.get("spans", ())),
        )
    if not parts:
        raise ResultsError(f"{folder}/journal is empty: the run had not begun")
    return parts


def run_name(folder: Path) -> str:
    """Name a run as its folder is called: model and time."""
    return "/".join(folder.resolve().parts[-2:])


def bare_facts(selection: SelectionDict) -> TaskFacts:
    """Make do without the task's file: what counts here is which samples there are."""
    names = cast("Mapping[str, Any]", selection).get("filters", ("none",))
    plan = ScoringPlan(
        pipelines=tuple(FilterPipeline(name=name, steps=()) for name in names),
        metrics=(),
    )
    return TaskFacts(
        alias=selection["task"], config={}, version=None, num_fewshot=0, plan=plan
    )


def counted_samples(record: RunRecord) -> Iterator[tuple[SampleDict, Place]]:
    """Read the samples that count."""
    with PlaceReader(record.paths) as reader:
        for task in record.tasks.values():
            for place in task.places():
                yield decode(reader.line(place)), place


def _add(part: Part, sample: SampleDict, place: Place, started_at: float) -> None:
    part.samples.setdefault(sample["task"], []).append((sample["doc_id"], place))
    timing = sample.get("timing")
    if timing is not None and "spans" not in part.said:
        end = started_at + timing["started_s"] + timing["latency_s"]
        part.spans[started_at] = max(part.spans.get(started_at, started_at), end)


def in_order(sources: Iterable[Source]) -> list[tuple[Source, Part]]:
    """List the parts of all runs as one run would have had them, whatever their order.

    Shards by their number; runs without ``--shard`` by their start.
    """
    pairs = [(source, part) for source in sources for part in source.parts]
    return sorted(pairs, key=lambda pair: _rank(pair[1]))


def _rank(part: Part) -> tuple[tuple[int, int], float, str]:
    return (part.shard or (0, 0), part.said["started_at"], part.name)


def tasks_of(parts: Iterable[Part]) -> list[str]:
    """Name the tasks of some parts, in the order of their first mention."""
    names: Mapping[str, None] = dict.fromkeys(
        task for part in parts for task in part.selections
    )
    return list(names)
