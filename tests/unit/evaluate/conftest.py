from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_evalkit.tasks import DataSources, OpenedTask, TaskSettings, load_task

_TASK = {
    "task": "sums",
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"test": "test.jsonl"}},
    "test_split": "test",
    "doc_to_text": "{{question}}=",
    "doc_to_target": "{{answer}}",
    "metric_list": [{"metric": "exact_match"}],
}
_SCORER = """\
def fails(doc, results): return {"acc": 1 / 0}
def ends(doc, results): return {"acc": next(iter(()))}
def complex_number(doc, results): return {"acc": 1j}
"""

OpenTask = Callable[..., OpenedTask]


@pytest.fixture
def open_task(tmp_path: Path) -> OpenTask:
    """Open a task of two sums; further lines and keys change it."""

    def opened(
        more: str = "", settings: TaskSettings | None = None, **keys: Any
    ) -> OpenedTask:
        rows = [
            {"id": "a", "question": "1+1", "answer": "2"},
            {"id": "b", "question": "2+2", "answer": "4"},
        ]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "test.jsonl").write_text(lines, encoding="utf-8")
        (tmp_path / "utils.py").write_text(_SCORER, encoding="utf-8")
        kept = {
            key: value for key, value in {**_TASK, **keys}.items() if value is not None
        }
        text = yaml.safe_dump(kept) + more
        path = tmp_path / "sums.yaml"
        path.write_text(text, encoding="utf-8")
        return load_task(path, settings or TaskSettings()).open(DataSources())

    return opened
