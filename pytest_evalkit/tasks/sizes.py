"""How many documents a task has, as far as that is known without a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.errors import TaskError
from pytest_evalkit.tasks.entries import Entry
from pytest_evalkit.tasks.locations import (
    BUILDERS,
    DataSources,
    LocalFiles,
    locate,
)
from pytest_evalkit.tasks.source import Source, read_source


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many documents a task has.

    Attributes:
        documents: In all, as ``metadata.documents`` or its files here tell; None where
            neither does.
        sample: In the sample beside it; None where there is none.
    """

    documents: int | None = None
    sample: int | None = None


def sizes_of(entry: Entry) -> Sizes:
    """Count the documents of a task; nothing of it is imported.

    A task whose own function picks its documents is not counted, and neither is one
    whose files cannot be read: running it tells why.
    """
    folder = entry.path.parent
    samples = (folder / f"{entry.path.stem}.sample", folder / "sample")
    has_sample = any(sample.is_dir() for sample in samples)
    has_files = entry.documents is None and entry.dataset_path in BUILDERS
    if entry.kind != "task" or not (has_sample or has_files):
        return Sizes(documents=entry.documents)
    try:
        source = read_source(entry.path)
    except TaskError:
        return Sizes(documents=entry.documents)
    if source.values.get("process_docs") is not None:
        return Sizes(documents=entry.documents)
    documents = _count(source, DataSources()) if has_files else entry.documents
    sample = _count(source, DataSources(use_sample=True)) if has_sample else None
    return Sizes(documents=documents, sample=sample)


def _count(source: Source, sources: DataSources) -> int | None:
    values = source.values
    split: Any = values.get("test_split") or values.get("validation_split")
    try:
        location = locate(source, str(split), sources)
    except TaskError:
        return None
    is_plain = isinstance(location, LocalFiles) and location.split == "train"
    if not isinstance(location, LocalFiles) or not is_plain or location.kwargs:
        return None
    try:
        if values.get("conversation") is not None:
            return _conversations(location.files)
        return _rows(location.format, location.files)
    except (OSError, ValueError, CodecError):
        return None


def _conversations(files: Sequence[Path]) -> int | None:
    """Count the conversations of files, each of which may have several rows."""
    if not all(file.suffix == ".jsonl" for file in files):
        return None
    lines = (line for file in files for line in file.read_bytes().splitlines())
    rows = [decode(line) for line in lines if line.strip()]
    ids = {str(row.get("conversation_id")) for row in rows if isinstance(row, dict)}
    return len(ids)


def _rows(kind: str, files: Sequence[Path]) -> int | None:
    """Count the rows of files; None of a kind that has to be parsed for it."""
    if kind == "json" and all(file.suffix == ".jsonl" for file in files):
        return sum(_lines(file) for file in files)
    if kind == "parquet":
        from pyarrow import parquet

        return sum(int(parquet.read_metadata(file).num_rows) for file in files)
    return None


def _lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(not line.isspace() for line in lines)
