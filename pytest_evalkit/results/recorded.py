"""Runs that others left behind, to be compared: results and answers, read from disk."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.read import iter_samples, read_results
from pytest_evalkit.results.schema import ResultsDict, task_names

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
        samples: Its samples files by task.
    """

    label: str
    path: Path
    results: ResultsDict | None
    samples: Mapping[str, Path]

    def recorded(self, task: str, metric: str, pipeline: str) -> float | None:
        """Look up what the run concluded; None where it did not."""
        if self.results is None:
            return None
        for row in self.results["aggregates"].get(task, ()):
            if (row["metric"], row["filter"]) == (metric, pipeline):
                return row["value"]
        return None


def open_run(path: Path) -> RecordedRun:
    """Find the files of a run.

    Args:
        path: A run folder, its ``results.json``, or one of its samples files.

    Raises:
        ResultsError: There is no run, or its results cannot be read.
    """
    if path.suffix == ".jsonl":
        if not path.is_file():
            raise ResultsError(f"there is no {path}")
        return RecordedRun(
            label=str(path), path=path, results=None, samples={_task_of(path): path}
        )
    folder = path if path.is_dir() else path.parent
    if not path.is_dir() or RunFolder(folder).results_path.is_file():
        results = read_results(path)
        samples = {
            task: file
            for task in task_names(results)
            if (file := RunFolder(folder).samples_path(task)).is_file()
        }
        label = results["model_name"] or str(path)
        return RecordedRun(label=label, path=folder, results=results, samples=samples)
    samples = {_task_of(file): file for file in sorted(folder.glob("samples_*.jsonl"))}
    if not samples:
        raise ResultsError(
            f"{path} holds no run; give a run folder such as results/MODEL/TIMESTAMP, "
            "its results.json, or a samples file"
        )
    return RecordedRun(label=str(path), path=folder, results=None, samples=samples)


def _task_of(path: Path) -> str:
    """Tell of what task a samples file is: by its first line, else by its name."""
    first: Mapping[str, Any] = {**next(iter(iter_samples(path)), {})}
    if "task" in first:
        return str(first["task"])
    match = _SAMPLES_FILE.fullmatch(path.name)
    return match["task"] if match else path.stem


def read_answers(path: Path) -> Answers:
    """Read a samples file.

    Documents are told by their content, so that their order makes no difference. Where
    every document has the same hash, which tells nothing, positions tell them.

    Args:
        path: A samples file, of this package or of lm-evaluation-harness.

    Raises:
        ResultsError: It cannot be read.
    """
    lines = iter_samples(path)
    answers = answers_in(lines)
    answers.torn += lines.torn
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
