"""Every number of ``results.json``, worked by hand from five documents.

The results are walked over, so that a number that nobody has worked out fails too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import t

from pytest_evalkit.codec import decode, encode
from pytest_evalkit.engine import Allowance, Price
from pytest_evalkit.results.concluding import Judging, conclude_record
from pytest_evalkit.results.conclusion import read_run
from pytest_evalkit.results.document import RunFacts
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.gates import parse_gate
from pytest_evalkit.results.journal import JournalWriter, SelectionDict
from pytest_evalkit.results.schema import AggregateDict
from pytest_evalkit.results.task_record import TaskFacts
from pytest_evalkit.scoring import build_plan

# What is written down as it was given.
_GIVEN = ("config", "configs", "environment")
# Keys of a row that are no numbers, and those that have a module of tests of their own.
_WORDS = {"metric", "filter", "higher_is_better", "method", "error", "missing"}
_ELSEWHERE = {"repeats"}


def doubled(values: Sequence[float]) -> float:
    return 2 * sum(values) / len(values)


def facts_of(_: SelectionDict) -> TaskFacts:
    metrics: list[dict[str, Any]] = [
        {"metric": "acc"},
        {"metric": "own", "aggregation": doubled},
    ]
    plan = build_plan(
        None, metrics, lambda _d, _r: {}, dialect="lmms", cluster_key="video"
    )
    return TaskFacts(alias="Sums", config={}, version=3, num_fewshot=2, plan=plan)


def sample(doc_id: int, acc: float, video: str, **changes: Any) -> dict[str, Any]:
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
        "attempts": 1,
        "metrics": ["acc", "own"],
        "acc": acc,
        "own": acc,
        "cluster": video,
        "parse_status": "found" if acc else "none",
        "request_latency_s": doc_id + 1.0,
        "token_counts": {
            "input_tokens": 100,
            "output_tokens": 10 * (doc_id + 1),
            "reasoning_tokens": 2,
            "cached_tokens": 50,
        },
        "timing": {
            "started_s": 0.0,
            "latency_s": 1.0,
            "ttft_s": 0.1 * (doc_id + 1),
            "ttfo_s": 0.2 * (doc_id + 1),
            "inter_token_s": 0.01 * (doc_id + 1),
            "n_chunks": 3,
            "bad_frames": 1,
        },
        **changes,
    }


LINES: list[dict[str, Any]] = [
    {
        "kind": "group",
        "name": "all",
        "alias": "All",
        "path": "all.yaml",
        "members": ["sums"],
        "tasks": ["sums"],
        "metrics": [{"metric": "acc", "filters": None, "weight_by_size": True}],
        "version": 4,
        "gates": [],
    },
    {
        "kind": "selection",
        "task": "sums",
        "path": "sums.yaml",
        "shard": 0,
        "original": 7,
        "selected": 5,
        "fingerprint": "f",
        "is_sample": False,
    },
    {"kind": "model", "name": "m", "description": {}},
    {"kind": "concurrency", "t_s": 0.5, "limit": 8, "reason": "given", "worker": 1},
    {
        "kind": "cache",
        "process": "main",
        "hits": 1,
        "misses": 2,
        "stores": 3,
        "sampled": 4,
        "problem": None,
    },
    sample(0, 1.0, "a"),
    sample(1, 1.0, "a"),
    sample(2, 0.0, "b"),
    sample(3, 1.0, "c"),
    {
        **{
            key: value
            for key, value in sample(4, 0.0, "c").items()
            if key not in {"acc", "own", "request_latency_s", "token_counts"}
        },
        "status": "error",
        "metrics": [],
        "error": "no answer: HTTP 500",
        "timing": {"started_s": 0.0, "latency_s": 1.0},
    },
]


@pytest.fixture
def results(tmp_path: Path) -> dict[str, Any]:
    folder = RunFolder(tmp_path)
    writer = JournalWriter(folder.journal_dir / "main.jsonl")
    for line in LINES:
        writer.write(encode(line) + b"\n")
    writer.close()
    record = read_run(folder, facts_of)
    traffic = record.traffic
    allowance = Allowance(max_total_tokens=9000, max_cost_usd=7.0)
    price = Price(input=1000.0, output=10_000.0, cached_input=100.0)
    run = RunFacts(
        model_name="m",
        model_description={},
        options={},
        git_hash=None,
        started_at=1234.5,
        elapsed_s=10.0,
        complete=record.is_complete,
        environment={},
        usage={**traffic.usage(), "budget": traffic.budget(allowance, price, None)},
        throughput=traffic.throughput(10.0),
        latency=traffic.latency(),
        concurrency=record.concurrency,
        cache=record.cache,
    )
    judging = Judging(
        gates=[parse_gate("sums:acc>=0.5@0.9")], judges_partial=True, is_strict=False
    )
    written: dict[str, Any] = decode(encode(conclude_record(record, run, judging)))
    return written


def numbers(value: Any, place: str = "") -> Iterator[tuple[str, float]]:
    """Walk over all numbers, each with the keys that lead to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(inner, f"{place}/{key}" if place else key)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from numbers(inner, f"{place}/{position}")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place, value


def described(place: str, step: float) -> dict[str, float]:
    """Describe four times, each a step after the one before."""
    return {
        f"{place}/requests": 4,
        f"{place}/mean_s": 2.5 * step,
        f"{place}/p50_s": 2 * step,
        f"{place}/p90_s": 4 * step,
        f"{place}/p99_s": 4 * step,
    }


def coverage(name: str) -> dict[str, float]:
    counts = {"original": 7, "selected": 5, "scored": 4, "errors": 1, "skipped": 0}
    return {f"coverage/{name}/{key}": count for key, count in counts.items()}


def wilson(quantile: float, size: float) -> tuple[float, float]:
    """Bound a proportion of 3/4, by Wilson's formula."""
    square = quantile**2
    half = quantile * math.sqrt(0.1875 / size + square / (4 * size**2))
    ends = [(0.75 + square / (2 * size) + end) for end in (-half, half)]
    return ends[0] / (1 + square / size), ends[1] / (1 + square / size)


# Deviations of acc: 1/4, 1/4, -3/4, 1/4. By video 1/2, -3/4, 1/4, with a half and twice
# a quarter of the documents: (1/4) / (1/2) + (9/16) / (3/4) + (1/16) / (3/4) = 4/3.
CLUSTERED = math.sqrt(4 / 3) / 4
# As many independent documents have that error, and degrees of freedom by Bell and
# McCaffrey, 16 / (6 + 26/9).
WILSON = wilson(t.ppf(0.975, 1.8), 0.1875 / CLUSTERED**2)
NARROW = wilson(t.ppf(0.95, 1.8), 0.1875 / CLUSTERED**2)
GROUP_HALF = t.ppf(0.975, 2) * CLUSTERED
NARROW_HALF = t.ppf(0.95, 2) * CLUSTERED

EXPECTED: dict[str, float] = {
    "schema_version": 1,
    **{f"results/sums/{key}": 4 for key in ("samples", "sample_len")},
    **{f"results/all/{key}": 4 for key in ("samples", "sample_len")},
    "results/sums/acc,none": 0.75,
    "results/sums/acc_stderr,none": 0.25,
    "results/sums/own,none": 1.5,
    "results/all/acc,none": 0.75,
    "results/all/acc_stderr,none": 0.25,
    "results/all/sample_count/acc,none": 4,
    "aggregates/sums/0/value": 0.75,
    # Squares of the deviations 12/16, over 3 and over 4.
    "aggregates/sums/0/stderr": 0.25,
    "aggregates/sums/0/stderr_clustered": CLUSTERED,
    "aggregates/sums/0/clusters": 3,
    "aggregates/sums/0/ci95/0": WILSON[0],
    "aggregates/sums/0/ci95/1": WILSON[1],
    "aggregates/sums/0/intervals/0.9/0": NARROW[0],
    "aggregates/sums/0/intervals/0.9/1": NARROW[1],
    "aggregates/sums/0/n": 4,
    "aggregates/sums/0/parse_rate": 0.75,
    "aggregates/sums/1/value": 1.5,
    "aggregates/sums/1/stderr_clt": 0.25,
    "aggregates/sums/1/clusters": 3,
    "aggregates/sums/1/replicates": 1000,
    "aggregates/sums/1/n": 4,
    "aggregates/sums/1/parse_rate": 0.75,
    "aggregates/all/0/value": 0.75,
    "aggregates/all/0/stderr": 0.25,
    "aggregates/all/0/stderr_clustered": CLUSTERED,
    "aggregates/all/0/ci95/0": 0.75 - GROUP_HALF,
    "aggregates/all/0/ci95/1": 0.75 + GROUP_HALF,
    "aggregates/all/0/intervals/0.9/0": 0.75 - NARROW_HALF,
    "aggregates/all/0/intervals/0.9/1": 0.75 + NARROW_HALF,
    "aggregates/all/0/n": 4,
    "aggregates/all/0/tasks": 1,
    "versions/sums": 3,
    "versions/all": 4,
    "n-shot/sums": 2,
    "n-shot/all": 2,
    "n-samples/sums/original": 7,
    "n-samples/sums/effective": 5,
    **coverage("sums"),
    **coverage("all"),
    "errors/sums/no answer": 1,
    "gates/0/value": 0.75,
    "gates/0/bound": 0.5,
    "gates/0/n": 4,
    "usage/documents_with_counts": 4,
    "usage/input_tokens": 400,
    "usage/output_tokens": 100,
    "usage/reasoning_tokens": 8,
    "usage/cached_tokens": 200,
    "usage/budget/max_total_tokens": 9000,
    "usage/budget/max_cost_usd": 7.0,
    "usage/budget/total_tokens": 500,
    # Per million: 200 at 1000, 200 cached at 100 and 100 at 10,000 dollars.
    "usage/budget/cost_usd": 1.22,
    "throughput/documents_per_s": 0.5,
    "throughput/output_tokens_per_s": 10.0,
    **described("latency", 1.0),
    **described("latency/ttft", 0.1),
    **described("latency/ttfo", 0.2),
    **described("latency/inter_token", 0.01),
    "latency/bad_frames": 4,
    "cache/hits": 1,
    "cache/misses": 2,
    "cache/stores": 3,
    "cache/sampled": 4,
    "concurrency/0/t_s": 0.5,
    "concurrency/0/limit": 8,
    "concurrency/0/worker": 1,
    "date": 1234.5,
    "total_evaluation_time_seconds": 10.0,
}
# Of draws there is no sum to be done by hand: twice the mean has twice its spread, which
# three clusters tell but roughly.
DRAWN = {
    "results/sums/own_stderr,none": (0.4, 0.7),
    "aggregates/sums/1/stderr": (0.4, 0.7),
    "aggregates/sums/1/stderr_clustered": (0.4, 0.7),
    "aggregates/sums/1/ci95/0": (0.0, 1.2),
    "aggregates/sums/1/ci95/1": (1.6, 2.0),
    "aggregates/sums/1/intervals/0.9/0": (0.0, 1.2),
    "aggregates/sums/1/intervals/0.9/1": (1.6, 2.0),
}


def test_each_number_is_what_it_should_be(results: dict[str, Any]) -> None:
    kept = {key: value for key, value in results.items() if key not in _GIVEN}
    # The entries of groups are those of their results.
    assert kept.pop("groups") == {"all": results["results"]["all"]}

    found = dict(numbers(kept))

    drawn = {place: found.pop(place) for place in DRAWN}
    assert found == pytest.approx(EXPECTED)
    for place, (low, high) in DRAWN.items():
        assert low <= drawn[place] <= high


def test_each_number_that_a_row_can_have_is_worked_out() -> None:
    keys = {place.split("/")[3] for place in EXPECTED if place.startswith("aggregates")}

    assert keys == set(AggregateDict.__annotations__) - _WORDS - _ELSEWHERE
