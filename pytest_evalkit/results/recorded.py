"""Runs that others left behind, to be compared: results and answers, read from disk."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.read import (
    Samples,
    iter_samples,
    read_results,
    results_file,
    samples_by_task,
    their_task,
)
from pytest_evalkit.results.schema import ResultsDict
from pytest_evalkit.results.their_files import results_beside, task_in_name
from pytest_evalkit.results.their_samples import (
    TheirSamples,
    TheirTask,
    is_of_theirs,
)

_SAMPLES_FILE = re.compile(r"samples_(?P<task>.+?)(?:_\d{4}-\d\d-\d\dT[\d.-]+)?\.jsonl")


class Answer(NamedTuple):
    """What is kept of one document under one filter.

    Attributes:
        doc_id: Its position in the split.
        name: What messages call it: its own id, or its position.
        prompt: A hash of what was asked; None where that is not known.
        target: The expected answer.
        said: What the filters made of the answer.
        values: Value by metric; empty where it has no score.
        cluster: What it shares with other documents, or None.
        categories: What it is, by column.
        repeats: How many answers there are.
    """

    doc_id: int
    name: str
    prompt: int | None
    target: Any
    said: Any
    values: Mapping[str, Any]
    cluster: str | None
    categories: Mapping[str, str]
    repeats: int


class DocumentKey(NamedTuple):
    """What identifies a document of a task in every run: the n-th with its content.

    ``content`` is its hash; of files without hashes the position.
    """

    content: str
    nth: int


@dataclass(slots=True, kw_only=True)
class Answers:
    """The answers to one task, as a samples file has them.

    Attributes:
        by_filter: By filter, the answers by document.
        contents: Hash of each document by its position; empty where no line has one.
        torn: Lines that are no samples.
    """

    by_filter: dict[str, dict[DocumentKey, Answer]] = field(default_factory=dict)
    contents: dict[int, str] = field(default_factory=dict)
    torn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """A run on disk.

    Attributes:
        label: What tables call it.
        path: Where it is.
        results: What it concluded; None where there are only samples.
        samples: Its samples by task.
    """

    label: str
    path: Path
    results: ResultsDict | None
    samples: Mapping[str, Samples]

    @property
    def folder(self) -> RunFolder:
        """The folder that its files are in."""
        return RunFolder(self.path if self.path.is_dir() else self.path.parent)

    @property
    def written_by(self) -> str | None:
        """The other system that wrote its results; None of ours, and without any."""
        return None if self.results is None else self.results.get("written_by")

    def all_samples(self) -> Iterator[SampleDict]:
        """Read its samples, task by task, in document order.

        Raises:
            ResultsError: A file cannot be read.
        """
        for samples in self.samples.values():
            yield from samples

    def recorded(self, task: str, metric: str, pipeline: str) -> float | None:
        """Look up what the run concluded; None where it did not."""
        if self.results is None:
            return None
        for row in self.results["aggregates"].get(task, ()):
            if (row["metric"], row["filter"]) == (metric, pipeline):
                return row["value"]
        return None


def open_run(path: Path) -> RecordedRun:
    """Find the files of a run, ours or of lm-eval or lmms-eval.

    Args:
        path: A run folder, its results file, or one of its samples files.

    Raises:
        ResultsError: There is no run, or its results cannot be read.
    """
    if path.suffix == ".jsonl":
        return _of_samples(path)
    file = results_file(path)
    if file.is_file() or not path.is_dir():
        results = read_results(path)
        return RecordedRun(
            label=results["model_name"] or str(path),
            # Of a folder of theirs, the file tells which run it is.
            path=file if "written_by" in results else file.parent,
            results=results,
            samples=samples_by_task(file, results),
        )
    runs = [_of_samples(file) for file in sorted(path.glob("*samples_*.jsonl"))]
    if not runs:
        raise ResultsError(
            f"{path} holds no run; give a run folder such as results/MODEL/TIMESTAMP, "
            "its results.json, or a samples file"
        )
    found = {task: own for run in runs for task, own in run.samples.items()}
    return RecordedRun(label=str(path), path=path, results=None, samples=found)


def _of_samples(path: Path) -> RecordedRun:
    """Open a samples file alone; of one of theirs, the results beside it are read too."""
    if not path.is_file():
        raise ResultsError(f"there is no {path}")
    if not is_of_theirs(path):
        samples: Mapping[str, Samples] = {_task_of(path): iter_samples(path)}
        return RecordedRun(label=str(path), path=path, results=None, samples=samples)
    name = task_in_name(path) or path.stem
    beside = results_beside(path)
    results = None if beside is None else read_results(beside)
    if results is None or name not in results["aggregates"]:
        own = TheirSamples(path, TheirTask(name=name))
        return RecordedRun(
            label=str(path), path=path, results=None, samples={name: own}
        )
    return RecordedRun(
        label=results["model_name"] or str(path),
        path=path,
        results=results,
        samples={name: TheirSamples(path, their_task(results, name))},
    )


def _task_of(path: Path) -> str:
    """Tell of what task a samples file is: by its first line, else by its name."""
    first: Mapping[str, Any] = {**next(iter(iter_samples(path)), {})}
    if "task" in first:
        return str(first["task"])
    match = _SAMPLES_FILE.fullmatch(path.name)
    return match["task"] if match else path.stem


def read_answers(samples: Samples) -> Answers:
    """Take in the samples of a task.

    Documents are told by their content, so that their order makes no difference. Where
    every document has the same hash, which tells nothing, positions tell them.

    Args:
        samples: The samples, of this package or of others.

    Raises:
        ResultsError: They cannot be read.
    """
    answers = answers_in(samples)
    answers.torn += samples.torn
    return answers


def answers_in(lines: Iterable[SampleDict]) -> Answers:
    """Take in samples as ``read_answers`` does.

    Args:
        lines: The samples, in any order.
    """
    found = list(lines)
    # Of a file that others damaged, a position may be anything.
    samples = [sample for sample in found if _is_position(sample["doc_id"])]
    samples.sort(key=lambda sample: sample["doc_id"])
    hashes = {sample.get("doc_hash") or "" for sample in samples}
    ids = {sample["doc_id"] for sample in samples}
    is_told = len(hashes) > 1 or len(ids) == 1
    answers = Answers(torn=len(found) - len(samples))
    seen: Counter[tuple[str, str]] = Counter()
    for sample in samples:
        content = sample.get("doc_hash") or ""
        if is_told and content:
            answers.contents[sample["doc_id"]] = content
        else:
            content = f"position {sample['doc_id']}"
        pipeline = sample.get("filter") or "none"
        key = DocumentKey(content, seen[pipeline, content])
        seen[pipeline, content] += 1
        answers.by_filter.setdefault(pipeline, {})[key] = _answer(sample)
    return answers


def _is_position(value: object) -> bool:
    return isinstance(value, int)


def _digest(text: bytes) -> int:
    """Hash a text; unlike Python's own, the same in every process."""
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())


def _answer(sample: SampleDict) -> Answer:
    # Files of others lack some keys, and metrics stand beside those that are named.
    line = cast("Mapping[str, Any]", sample)
    is_scored = line.get("status", "scored") == "scored"
    said = line.get("filtered_resps")
    raw = line.get("resps", said)
    return Answer(
        doc_id=line["doc_id"],
        name=str(line.get("item_id", line["doc_id"])),
        prompt=_digest(encode([line.get("input"), line.get("arguments")])),
        target=line.get("target"),
        said=said,
        values={name: line[name] for name in line.get("metrics", ()) if name in line}
        if is_scored
        else {},
        cluster=line.get("cluster"),
        categories=line.get("categories") or {},
        repeats=len(raw) if isinstance(raw, list) else 1,
    )
