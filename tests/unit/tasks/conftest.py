from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_evalkit.tasks import (
    DataSources,
    OpenedTask,
    Task,
    TaskSettings,
    load_task,
)

_MINIMAL: Mapping[str, Any] = {
    "task": "sums",
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"test": "test.jsonl", "train": "train.jsonl"}},
    "test_split": "test",
    "doc_to_text": "Q: {{question}}\nA:",
    "doc_to_target": "{{answer}}",
    "metric_list": [{"metric": "exact_match"}],
}


class TaskFolder:
    """A folder with a task file, its data and its Python."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def rows(self, name: str, rows: Iterable[Mapping[str, Any]]) -> Path:
        return self.write(name, "".join(json.dumps(row) + "\n" for row in rows))

    def task_file(self, **keys: Any) -> Path:
        """Write a sound task file with some keys changed; None takes one out."""
        merged = {**_MINIMAL, **keys}
        kept = {key: value for key, value in merged.items() if value is not None}
        return self.write("sums.yaml", yaml.safe_dump(kept, sort_keys=False))

    def load(self, settings: TaskSettings | None = None, **keys: Any) -> Task:
        return load_task(self.task_file(**keys), settings or TaskSettings())

    def load_text(self, text: str, settings: TaskSettings | None = None) -> Task:
        return load_task(self.write("sums.yaml", text), settings or TaskSettings())

    def open(self, settings: TaskSettings | None = None, **keys: Any) -> OpenedTask:
        return self.load(settings, **keys).open(DataSources())


@pytest.fixture
def folder(tmp_path: Path) -> TaskFolder:
    made = TaskFolder(tmp_path)
    made.rows(
        "test.jsonl",
        [
            {"question": "1+1", "answer": "2", "kind": "add"},
            {"question": "2*3", "answer": "6", "kind": "multiply"},
            {"question": "9-4", "answer": "5", "kind": "subtract"},
        ],
    )
    made.rows(
        "train.jsonl",
        [{"question": f"{n}+0", "answer": str(n), "kind": "add"} for n in range(20)],
    )
    return made
