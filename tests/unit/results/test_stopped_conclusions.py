from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_evalkit.results.concluding import end_early
from pytest_evalkit.results.conclusion import RunRecord, read_run, write_samples
from pytest_evalkit.results.early_stop import drawn_order
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.gates import parse_gate
from pytest_evalkit.stats import wilson_interval
from tests.unit.results.run_journals import (
    both,
    facts_of,
    run_of,
    selection,
)


def long_run(root: Path, scores: Sequence[float | None]) -> RunRecord:
    lines = [line for n, score in enumerate(scores) for line in both(n, score)]
    whole: Any = {"original": len(scores), "documents": [[0, len(scores), 1]]}
    folder = run_of(root, gw0=[selection(len(scores), **whole), *lines])
    return read_run(folder, facts_of)


def test_what_was_not_needed_is_in_no_figure_and_no_file(tmp_path: Path) -> None:
    scores = [float(n % 10 != 0) for n in range(500)]
    record = long_run(tmp_path, scores)

    end_early(record, [parse_gate("acc>=0.75")], seed=1)
    write_samples(RunFolder(tmp_path), record)

    conclusion = record.tasks["sums"].conclude(judge_partial=False)
    coverage, row = conclusion.coverage, conclusion.aggregates[0]
    needed = coverage["scored"]
    order = drawn_order(range(500), seed=1, task="sums")
    written = RunFolder(tmp_path).samples_path("sums").read_text("utf-8").splitlines()
    documents = [json.loads(line)["doc_id"] for line in written]
    assert record.is_complete
    assert 10 < needed < 250
    assert coverage == {
        "original": 500,
        "selected": 500,
        "scored": needed,
        "errors": 0,
        "skipped": 0,
        "saved": 500 - needed,
    }
    assert sorted(set(documents)) == sorted(order[:needed])
    assert row["n"] == needed
    assert row["value"] == sum(scores[n] for n in order[:needed]) / needed
    assert row["method"] == "betting sequence"
    assert row["ci95"] is not None
    # Wider than an interval of as many documents that were counted beforehand.
    low, high = wilson_interval(row["value"], needed)
    assert row["ci95"][0] < low < row["value"] < high
    assert row["ci95"][1] > row["value"]


def test_a_run_that_was_broken_off_before_it_could_stop_is_not_complete(
    tmp_path: Path,
) -> None:
    scores = [1.0] * 300
    whole: Any = {"original": 300, "documents": [[0, 300, 1]]}
    known = drawn_order(range(300), seed=1, task="sums")[1:]
    lines = [line for n in known for line in both(n, scores[n])]
    folder = run_of(tmp_path, gw0=[selection(300, **whole), *lines])
    record = read_run(folder, facts_of)

    end_early(record, [parse_gate("acc>=0.5")], seed=1)

    assert not record.is_complete
    assert record.tasks["sums"].stop is None


def test_a_document_in_error_keeps_a_task_from_stopping(tmp_path: Path) -> None:
    scores: list[float | None] = [1.0] * 300
    scores[drawn_order(range(300), seed=1, task="sums")[3]] = None
    record = long_run(tmp_path, scores)

    end_early(record, [parse_gate("acc>=0.5")], seed=1)

    coverage = record.tasks["sums"].conclude(judge_partial=False).coverage
    assert (coverage["scored"], coverage["errors"]) == (299, 1)
    assert "saved" not in coverage


def test_repeats_of_a_stopped_task_are_of_what_was_needed(tmp_path: Path) -> None:
    asked = {"repeat_scores": {"acc": [1.0, 0.0]}, "repeat_answers": [0, 1]}
    whole: Any = {"original": 300, "documents": [[0, 300, 1]]}
    lines = [line | asked for n in range(300) for line in both(n, 1.0)]
    folder = run_of(tmp_path, gw0=[selection(300, **whole), *lines])
    record = read_run(folder, facts_of)

    end_early(record, [parse_gate("acc>=0.5")], seed=1)

    conclusion = record.tasks["sums"].conclude(judge_partial=False)
    told = conclusion.aggregates[0]["repeats"]
    assert conclusion.coverage["scored"] < 300
    assert {one["n"] for one in told} == {conclusion.coverage["scored"]}
    assert all(one["ci95"] is None for one in told)
    assert all(one["method"].startswith("none: ") for one in told)
