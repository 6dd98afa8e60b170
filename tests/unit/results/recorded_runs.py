"""Runs on disk, to be compared: their results and their samples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pytest_evalkit.codec import encode
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.comparison import RunComparison, compare_runs
from pytest_evalkit.results.document import RunFacts, TaskConclusion, build_results
from pytest_evalkit.results.load import pattern_dict
from pytest_evalkit.results.recorded import RecordedRun, open_run
from pytest_evalkit.results.request_log import RequestLog
from pytest_evalkit.results.schema import AggregateDict
from pytest_evalkit.scoring import MetricSpec
from pytest_evalkit.stats.load_figures import load_figures

FIRST = [float(i % 3 > 0) for i in range(30)]
SECOND = [float(i % 4 > 0) for i in range(30)]


def sample(doc_id: int, value: Any, **changes: Any) -> dict[str, Any]:
    line: dict[str, Any] = {
        "schema_version": 1,
        "task": "sums",
        "doc_id": doc_id,
        "item_id": f"q{doc_id}",
        "doc_hash": f"hash{doc_id}",
        "status": "scored",
        "input": [{"role": "user", "content": f"{doc_id}+1="}],
        "target": str(doc_id + 1),
        "filter": "none",
        "filtered_resps": "right" if value else "wrong",
        "metrics": ["acc"],
        "acc": value,
        "attempts": 1,
    }
    return line | changes


def samples_of(values: Sequence[Any], **changes: Any) -> list[dict[str, Any]]:
    return [sample(i, value, **changes) for i, value in enumerate(values)]


def conclusion(value: float, **changes: Any) -> TaskConclusion:
    """Conclude a task with one metric; further keys are its row's, or the task's."""
    row: AggregateDict = {
        "metric": "acc",
        "filter": "none",
        "value": value,
        "stderr": changes.pop("stderr", None),
        "ci95": None,
        "n": changes.pop("n", 30),
        "higher_is_better": changes.pop("higher_is_better", True),
    }
    facts: dict[str, Any] = {
        "name": "sums",
        "alias": "sums",
        "config": {"metric_list": [{"metric": "acc"}]},
        "version": 1.0,
        "num_fewshot": 0,
        "directions": {"acc": row["higher_is_better"]},
        "aggregates": [row],
        "coverage": {
            "original": row["n"],
            "selected": row["n"],
            "scored": row["n"],
            "errors": 0,
            "skipped": 0,
        },
        "task_hash": "",
        "fingerprint": "",
    }
    return TaskConclusion(**{**facts, **changes})


def write_recorded(
    folder: Path,
    samples: Sequence[Mapping[str, Any]],
    task: TaskConclusion | None = None,
) -> Path:
    """Write the files of a run; without a conclusion, its samples alone."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(line) + "\n" for line in samples)
    (folder / "samples_sums.jsonl").write_text(lines, encoding="utf-8")
    if task is not None:
        run = RunFacts(
            model_name=folder.name,
            model_description={},
            options={},
            git_hash=None,
            started_at=0.0,
            elapsed_s=1.0,
            complete=True,
            environment={},
        )
        (folder / "results.json").write_bytes(encode(build_results([task], run)))
    return folder


def compare(*folders: Path, **options: Any) -> list[RunComparison]:
    """Compare runs of which nobody knows how their metrics are summed up."""

    def unknown(_run: RecordedRun, _task: str, _metric: str) -> MetricSpec | str:
        return "nobody knows"

    return compare_runs([open_run(folder) for folder in folders], unknown, **options)


def timed(
    doc_id: int, seconds: float, status: str = "successful", **changes: Any
) -> dict[str, Any]:
    """Write the sample of a document that took so long to be answered."""
    timing = {
        "started_s": 0.1 * doc_id,
        "latency_s": seconds,
        "sent_at_s": 0.1 * doc_id,
        "request_s": seconds,
        "request_status": status,
    }
    return sample(doc_id, 1.0, timing=timing, **changes)


def write_timed(
    folder: Path, samples: Sequence[Mapping[str, Any]], **load: Any
) -> Path:
    """Write the files of a run whose requests were timed."""
    log = RequestLog()
    for line in samples:
        log.add(cast("SampleDict", line))
    told = {**load_figures(log), "load_pattern": pattern_dict({}), "client": None}
    write_recorded(folder, samples, conclusion(1.0, n=len(samples)))
    path = folder / "results.json"
    results = json.loads(path.read_bytes())
    path.write_bytes(encode({**results, "load": {**told, **load}}))
    return folder
