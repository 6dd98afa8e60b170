"""Runs as their journals tell of them, written without running anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_evalkit.codec import encode
from pytest_evalkit.results.agreement import Agreement, agreement
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.journal import JournalWriter
from pytest_evalkit.results.sources import read_source

OPTIONS: dict[str, Any] = {"limit": None, "offset": 0, "reasoning_tags": None}
SETTINGS: dict[str, Any] = {"num_fewshot": None, "generation": {}, "fewshot_seed": 1234}
MODEL: dict[str, Any] = {"name": "m", "description": {"temperature": 0}}


def run_line(shard: tuple[int, int] | None = None, **changes: Any) -> dict[str, Any]:
    """What a run says of itself; changes of options and settings go by their names."""
    options = {k: changes.pop(k) for k in OPTIONS if k in changes}
    settings = {k: changes.pop(k) for k in SETTINGS if k in changes}
    return {
        "kind": "run",
        "started_at": 100.0,
        "shard": shard,
        "options": {**OPTIONS, **options},
        "settings": {**SETTINGS, **settings},
        "gates": [],
        **changes,
    }


def selection(selected: int, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "selection",
        "task": "sums",
        "path": "sums.yaml",
        "shard": 0,
        "original": 6,
        "selected": selected,
        "fingerprint": "f",
        "is_sample": False,
        **changes,
    }


def whole(documents: int = 6, digest: str = "d") -> dict[str, Any]:
    return {"whole": {"documents": documents, "digest": digest}}


def sample(doc_id: int, **changes: Any) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "task": "sums",
        "doc_id": doc_id,
        "item_id": f"q{doc_id}",
        "doc_hash": f"hash{doc_id}",
        "status": "scored",
        "input": [],
        "target": "4",
        "filter": "none",
        "filtered_resps": "4",
        "metrics": ["acc"],
        "acc": 1.0,
        "attempts": 1,
        "timing": {"started_s": float(doc_id), "latency_s": 0.5},
        **changes,
    }


def write_run(root: Path, *lines: dict[str, Any], journal: str = "main") -> Path:
    writer = JournalWriter(RunFolder(root).journal_dir / f"{journal}.jsonl")
    for line in lines:
        writer.write(encode(line) + b"\n")
    writer.close()
    return root


def shard_run(
    root: Path, index: int, count: int = 3, documents: int = 6, **changes: Any
) -> Path:
    """A shard that did all of its documents: every ``count``-th."""
    own = range(index - 1, documents, count)
    return write_run(
        root / f"shard{index}",
        run_line((index, count), **changes),
        {"kind": "model", **MODEL},
        selection(len(own), **whole(documents)),
        *map(sample, own),
    )


def compared(*folders: Path) -> Agreement:
    return agreement([read_source(folder) for folder in folders])
