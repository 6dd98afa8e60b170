from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.results.document import RunFacts, TaskConclusion, build_results
from pytest_evalkit.results.gates import parse_gate
from pytest_evalkit.results.recorded import open_run
from pytest_evalkit.results.schema import AggregateDict
from pytest_evalkit.sinks import FinishedRun, finished_run

STARTED = 1_795_000_000.0


def sample(doc_id: int, **changes: Any) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "task": "sums",
        "doc_id": doc_id,
        "item_id": f"q{doc_id}",
        "doc_hash": f"hash{doc_id}",
        "status": "scored",
        "input": [{"role": "user", "content": "2+2="}],
        "target": "4",
        "timing": {"started_s": 1.0, "latency_s": 2.0, "ttft_s": 0.25},
        "attempts": 1,
        "finish_reason": "stop",
        "token_counts": {
            "input_tokens": 8,
            "output_tokens": 3,
            "reasoning_tokens": None,
            "cached_tokens": 0,
        },
        "request_latency_s": 0.5,
        "filter": "strict",
        "filtered_resps": "4",
        "resps": "It is 4",
        "metrics": ["acc"],
        "acc": 1.0,
        **changes,
    }


_ROW: AggregateDict = {
    "metric": "acc",
    "filter": "strict",
    "value": 0.75,
    "stderr": 0.2,
    "stderr_clustered": 0.25,
    "ci95": (0.3, 0.95),
    "n": 4,
    "higher_is_better": True,
    "repeats": [
        {
            "figure": "pass@2",
            "value": 0.875,
            "stderr": None,
            "ci95": None,
            "n": 4,
            "method": "wilson",
        }
    ],
}


def write_run(folder: Path, *samples: dict[str, Any]) -> FinishedRun:
    coverage = {"original": 9, "selected": 5, "scored": 4, "errors": 1, "skipped": 0}
    task = TaskConclusion(
        name="sums",
        alias="sums",
        config={"generation_kwargs": {"temperature": 0.5, "max_gen_toks": 16}},
        version=2,
        num_fewshot=0,
        directions={"acc": True},
        aggregates=[_ROW, {**_ROW, "metric": "lost", "value": None}],
        coverage=coverage,  # type: ignore[arg-type]
        task_hash="",
        fingerprint="",
    )
    run = RunFacts(
        model_name="tiny",
        model_description={"base_url": "http://localhost:8123/v1"},
        options={"model": "openai", "model_args": "api_key=hidden", "limit": None},
        git_hash=None,
        started_at=STARTED,
        elapsed_s=12.5,
        complete=True,
        environment={},
        usage={"input_tokens": 40, "budget": None},
        load={"n_requests": {"successful": 4}, "ttft_ms": {"p95": 120.5}},
    )
    folder.mkdir(parents=True)
    gates = [parse_gate("acc>=0.5")]
    results = build_results([task], run, gates)
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    (folder / "report.html").write_text("<!doctype html>", encoding="utf-8")
    lines = "".join(json.dumps(each) + "\n" for each in samples)
    (folder / "samples_sums.jsonl").write_text(lines, encoding="utf-8")
    return finished_run(open_run(folder), results)


@pytest.fixture
def run(tmp_path: Path) -> FinishedRun:
    return write_run(tmp_path / "tiny" / "20261121T101500_000", sample(0), sample(1))
