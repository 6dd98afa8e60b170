from __future__ import annotations

from typing import Any

from pytest_evalkit.codec import decode, encode
from pytest_evalkit.results.document import RunFacts, TaskConclusion, build_results
from pytest_evalkit.results.gates import parse_gate
from pytest_evalkit.results.schema import AggregateDict

MEAN: AggregateDict = {
    "metric": "acc",
    "filter": "none",
    "value": 0.75,
    "stderr": 0.25,
    "ci95": (0.26, 1.24),
    "n": 4,
    "higher_is_better": True,
}
TOTAL: AggregateDict = {
    **MEAN,
    "metric": "total",
    "value": 3.0,
    "stderr": None,
    "ci95": None,
    "higher_is_better": None,
}


def task(name: str = "sums", **changes: Any) -> TaskConclusion:
    facts: dict[str, Any] = {
        "name": name,
        "alias": "Sums",
        "config": {"task": name, "metadata": {"version": 1.0, "api_key": "sk-1"}},
        "version": 1.0,
        "num_fewshot": 5,
        "directions": {"acc": True, "total": None},
        "aggregates": [MEAN, TOTAL],
        "coverage": {
            "original": 10,
            "selected": 4,
            "scored": 4,
            "errors": 0,
            "skipped": 0,
        },
        "task_hash": "abc",
        "fingerprint": "def",
    }
    return TaskConclusion(**{**facts, **changes})


def run(**changes: Any) -> RunFacts:
    facts: dict[str, Any] = {
        "model_name": "gpt-5",
        "model_description": {"base_url": "http://h/v1", "api_key": "sk-1"},
        "options": {"model_args": "api_key=sk-1", "limit": 4, "tasks": None},
        "git_hash": None,
        "started_at": 1.5,
        "elapsed_s": 2.5,
        "complete": True,
        "environment": {"python": "3.11"},
        "latency": {"mean_s": 0.5},
    }
    return RunFacts(**{**facts, **changes})


def test_readers_of_lm_eval_files_find_their_keys() -> None:
    results = build_results([task()], run())

    assert results["results"]["sums"] == {
        "alias": "Sums",
        "samples": 4,
        "sample_len": 4,
        "acc,none": 0.75,
        "acc_stderr,none": 0.25,
        "total,none": 3.0,
        "total_stderr,none": "N/A",
    }
    assert results["n-shot"] == {"sums": 5}
    assert results["n-samples"] == {"sums": {"original": 10, "effective": 4}}
    assert results["higher_is_better"] == {"sums": {"acc": True, "total": None}}
    assert results["versions"] == {"sums": 1.0}
    assert results["config"]["limit"] == 4
    assert results["config"]["resolved_cli_args"]["tasks"] is None
    assert results["total_evaluation_time_seconds"] == 2.5


def test_no_secret_is_written() -> None:
    results = build_results([task()], run(environment={"HF_TOKEN": "sk-1"}))

    assert b"sk-1" not in encode(results)


def test_results_survive_being_written() -> None:
    results = build_results([task()], run(), [parse_gate("acc>=0.5")])

    again = decode(encode(results))

    assert again["aggregates"]["sums"][0]["ci95"] == [0.26, 1.24]
    assert [tuple(gate.pop("interval")) for gate in again["gates"]] == [(0.26, 1.24)]
    assert again["gates"] == [
        {key: value for key, value in gate.items() if key != "interval"}
        for gate in results["gates"]
    ]
    assert again["latency"] == {"mean_s": 0.5}


def test_a_gate_without_a_task_holds_for_every_task_that_has_the_metric() -> None:
    tasks = [task("sums"), task("words"), task("other", aggregates=[TOTAL])]

    results = build_results(tasks, run(), [parse_gate("acc>=0.7")])

    judged = [(gate["task"], gate["verdict"]) for gate in results["gates"]]
    assert judged == [("sums", "pass"), ("words", "pass")]


def test_a_gate_on_a_metric_that_no_task_has_fails() -> None:
    results = build_results([task("a"), task("b")], run(), [parse_gate("ac>=0.7")])

    (gate,) = results["gates"]
    assert gate["verdict"] == "fail"
    assert gate["message"] == "no task has a metric 'ac'; did you mean 'acc'?"


def test_only_the_gates_of_a_partial_task_are_left_unjudged() -> None:
    tasks = [task("a", partial="-k selected 4 of 10 documents"), task("b")]

    results = build_results(tasks, run(), [parse_gate("acc>=0.9")])

    assert [gate["verdict"] for gate in results["gates"]] == ["inconclusive", "fail"]
