"""Journals of a task of four sums, written line by line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_evalkit.codec import encode
from pytest_evalkit.results.conclusion import RunRecord
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.journal import JournalWriter, SelectionDict
from pytest_evalkit.results.task_record import TaskFacts
from pytest_evalkit.scoring import build_plan


def facts_of(_: SelectionDict) -> TaskFacts:
    filters = [
        {"name": name, "filter": [{"function": "take_first"}]} for name in ("z", "a")
    ]
    plan = build_plan(filters, [{"metric": "acc"}], lambda _doc, _results: {})
    return TaskFacts(alias="Sums", config={}, version=1, num_fewshot=0, plan=plan)


def selection(selected: int, shard: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "selection",
        "task": "sums",
        "path": "sums.yaml",
        "shard": shard,
        "original": 4,
        "selected": selected,
        "fingerprint": "f",
        "is_sample": False,
        **changes,
    }


def sample(doc_id: int, acc: float | None, pipeline: str = "z") -> dict[str, Any]:
    status: dict[str, Any] = {"status": "scored", "metrics": ["acc"], "acc": acc}
    if acc is None:
        status = {"status": "error", "metrics": [], "error": "no answer: HTTP 500"}
    return {
        "schema_version": 1,
        "task": "sums",
        "doc_id": doc_id,
        "item_id": f"q{doc_id}",
        "doc_hash": f"hash{doc_id}",
        "input": [],
        "target": "4",
        "filter": pipeline,
        "filtered_resps": "4",
        "attempts": 1,
        **status,
    }


def both(doc_id: int, acc: float | None) -> list[dict[str, Any]]:
    return [sample(doc_id, acc, pipeline) for pipeline in ("z", "a")]


def run_of(root: Path, **journals: list[dict[str, Any]]) -> RunFolder:
    folder = RunFolder(root)
    for name, lines in journals.items():
        writer = JournalWriter(folder.journal_dir / f"{name}.jsonl")
        for line in lines:
            writer.write(encode(line) + b"\n")
        writer.close()
    return folder


def value_of(record: RunRecord) -> Any:
    conclusion = record.tasks["sums"].conclude(judge_partial=False)
    return conclusion.aggregates[0]["value"]
