from __future__ import annotations

from typing import Any, cast

import pytest

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.document import RunFacts, TaskConclusion, build_results
from pytest_evalkit.results.gates import parse_gate
from pytest_evalkit.results.schema import AggregateDict, ResultsDict


def aggregate(metric: str, value: float | None, **changes: Any) -> AggregateDict:
    row: AggregateDict = {
        "metric": metric,
        "filter": "none",
        "value": value,
        "stderr": None,
        "ci95": None,
        "n": 4,
        "higher_is_better": True,
    }
    row.update(changes)  # type: ignore[typeddict-item]  # keys as each test needs them
    return row


def sample(**changes: Any) -> SampleDict:
    facts = {
        "task": "sums",
        "doc_id": 7,
        "item_id": "7",
        "doc_hash": "d7",
        "status": "scored",
        "input": [{"role": "user", "content": "2+2?"}],
        "target": "4",
        "filter": "none",
        "filtered_resps": "4",
        "metrics": ["exact_match"],
        "exact_match": 1.0,
        "attempts": 1,
    }
    return cast("SampleDict", {**facts, **changes})


def conclusion(
    name: str, *aggregates: AggregateDict, scored: int, num_fewshot: int = 0
) -> TaskConclusion:
    return TaskConclusion(
        name=name,
        alias=name,
        config={},
        version=1.0,
        num_fewshot=num_fewshot,
        directions={},
        aggregates=aggregates,
        coverage={
            "original": 9,
            "selected": 4,
            "scored": scored,
            "errors": 4 - scored,
            "skipped": 0,
        },
        error_kinds={"no answer": 4 - scored} if scored < 4 else {},
        task_hash="",
        fingerprint="",
    )


@pytest.fixture
def results() -> ResultsDict:
    spread = {"stderr": 0.25, "ci95": (0.26, 1.24)}
    sums = conclusion(
        "sums",
        aggregate("exact_match", 0.75, filter="strict", **spread),
        aggregate("exact_match", 0.5, filter="loose", **spread),
        scored=4,
        num_fewshot=5,
    )
    pictures = conclusion(
        "pictures",
        aggregate("total", 1678.23, higher_is_better=None),
        aggregate("distance", None, n=2, higher_is_better=False, error="KeyError: 'q'"),
        scored=3,
    )
    run = RunFacts(
        model_name="org/model",
        model_description={},
        options={"model_args": "api_key=sk-1", "limit": None},
        git_hash="f3c9d1e0a2b4c6",
        started_at=1763679600.0,
        elapsed_s=3723.0,
        complete=True,
        environment={"python": "3.11.7"},
        usage={"input_tokens": 1234567, "output_tokens": None},
        throughput={"documents_per_s": 4.378, "output_tokens_per_s": None},
        latency={"p50_s": 1.714, "p90_s": 3.2, "p99_s": 7.72},
    )
    gates = [parse_gate("sums:exact_match>=0.7"), parse_gate("total>=1000")]
    return build_results([sums, pictures], run, gates)
