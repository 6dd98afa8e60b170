"""Samples as a run records them, to be aggregated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.scoring import ScoringPlan, build_plan


def plan_of(*metrics: Any, filters: Sequence[str] = ("none",)) -> ScoringPlan:
    return build_plan(
        [{"name": name, "filter": [{"function": "take_first"}]} for name in filters],
        [
            metric if isinstance(metric, dict) else {"metric": metric}
            for metric in metrics
        ],
        lambda _doc, _results: {},
    )


def scored(doc_id: int, pipeline: str = "none", **values: Any) -> SampleDict:
    sample = {**_sample(doc_id, pipeline), "metrics": list(values), **values}
    return cast("SampleDict", sample)


def failed(doc_id: int, error: str = "no answer: HTTP 500") -> SampleDict:
    return {**_sample(doc_id, "none"), "status": "error", "error": error}


def _sample(doc_id: int, pipeline: str) -> SampleDict:
    return {
        "schema_version": 1,
        "task": "sums",
        "doc_id": doc_id,
        "item_id": str(doc_id),
        "doc_hash": f"hash{doc_id}",
        "status": "scored",
        "input": [],
        "target": "4",
        "filter": pipeline,
        "filtered_resps": "4",
        "metrics": [],
        "attempts": 1,
    }
