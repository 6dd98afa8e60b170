from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_evalkit.results.conclusion import read_run, write_samples
from pytest_evalkit.results.folder import RunFolder
from tests.unit.results.run_journals import (
    both,
    facts_of,
    run_of,
    selection,
    value_of,
)


def test_the_journals_of_two_workers_are_one_run(tmp_path: Path) -> None:
    folder = run_of(
        tmp_path,
        gw0=[selection(2), *both(0, 1.0), *both(2, 1.0)],
        gw1=[selection(2, shard=1), *both(3, 0.0), *both(1, 0.0)],
    )

    record = read_run(folder, facts_of)

    conclusion = record.tasks["sums"].conclude(judge_partial=False)
    assert record.is_complete
    assert value_of(record) == 0.5
    assert conclusion.coverage == {
        "original": 4,
        "selected": 4,
        "scored": 4,
        "errors": 0,
        "skipped": 0,
    }
    assert conclusion.partial is None


def test_a_document_that_stands_in_two_journals_counts_once(tmp_path: Path) -> None:
    folder = run_of(
        tmp_path,
        gw0=[selection(4), *both(0, 1.0), *both(1, 1.0)],
        gw2=[selection(4), *both(1, 1.0), *both(2, 0.0), *both(3, 0.0)],
    )

    record = read_run(folder, facts_of)
    write_samples(folder, record)

    conclusion = record.tasks["sums"].conclude(judge_partial=False)
    written = folder.samples_path("sums").read_text("utf-8").splitlines()
    assert record.is_complete
    assert conclusion.coverage["selected"] == 4
    assert conclusion.coverage["scored"] == 4
    assert conclusion.aggregates[0]["n"] == 4
    assert value_of(record) == 0.5
    assert len(written) == 8


def test_samples_are_written_by_document_and_then_in_the_filters_order(
    tmp_path: Path,
) -> None:
    folder = run_of(
        tmp_path,
        main=[selection(3), *both(2, 1.0), *reversed(both(0, 0.0)), *both(1, None)],
    )

    write_samples(folder, read_run(folder, facts_of))

    lines = folder.samples_path("sums").read_text("utf-8").splitlines()
    samples = [json.loads(line) for line in lines]
    order = [(line["doc_id"], line["filter"]) for line in samples]
    assert order == [(n, pipeline) for n in (0, 1, 2) for pipeline in ("z", "a")]
    assert samples[2]["error"] == "no answer: HTTP 500"


def test_a_run_that_lacks_a_document_is_not_complete(tmp_path: Path) -> None:
    folder = run_of(tmp_path, main=[selection(3), *both(0, 1.0), *both(1, 1.0)])

    assert not read_run(folder, facts_of).is_complete


def test_an_error_is_recorded_as_well_as_a_score(tmp_path: Path) -> None:
    folder = run_of(tmp_path, main=[selection(2), *both(0, 1.0), *both(1, None)])

    record = read_run(folder, facts_of)

    conclusion = record.tasks["sums"].conclude(judge_partial=False)
    assert record.is_complete
    assert value_of(record) == 1.0
    assert conclusion.coverage["errors"] == 1
    assert conclusion.error_kinds == {"no answer": 1}


def test_a_part_of_the_documents_is_told_unless_it_is_to_be_judged(
    tmp_path: Path,
) -> None:
    folder = run_of(tmp_path, main=[selection(1), *both(0, 1.0)])

    task = read_run(folder, facts_of).tasks["sums"]

    partial = task.conclude(judge_partial=False).partial
    assert partial is not None
    assert partial.startswith("1 of 4 documents were selected")
    assert task.conclude(judge_partial=True).partial is None


def test_the_shipped_sample_is_a_part_however_large(tmp_path: Path) -> None:
    lines = [selection(1, original=1, is_sample=True), *both(0, 1.0)]
    folder = run_of(tmp_path, main=lines)

    task = read_run(folder, facts_of).tasks["sums"]

    assert "--sample" in str(task.conclude(judge_partial=False).partial)


def test_the_model_is_read_from_the_journal(tmp_path: Path) -> None:
    model = {"kind": "model", "name": "m", "description": {"base_url": "u"}}

    record = read_run(run_of(tmp_path, main=[selection(0), model]), facts_of)

    assert (record.model_name, record.model_description) == ("m", {"base_url": "u"})


def test_a_run_without_journals_has_nothing(tmp_path: Path) -> None:
    record = read_run(RunFolder(tmp_path), facts_of)

    assert record.tasks == {}
    assert record.is_complete


def test_limits_of_all_workers_are_one_series(tmp_path: Path) -> None:
    def limit(t_s: float, limit: int, worker: int) -> dict[str, Any]:
        said = {"t_s": t_s, "limit": limit, "reason": "start", "worker": worker}
        return {"kind": "concurrency", **said}

    folder = run_of(
        tmp_path,
        gw0=[limit(0.5, 8, 0), limit(2.0, 9, 0)],
        gw1=[limit(0.25, 7, 1), selection(0)],
    )

    record = read_run(folder, facts_of)

    series = [(one["t_s"], one["limit"], one["worker"]) for one in record.concurrency]
    assert series == [(0.25, 7, 1), (0.5, 8, 0), (2.0, 9, 0)]
    assert "kind" not in record.concurrency[0]


def test_a_run_whose_budget_was_spent_is_not_complete(tmp_path: Path) -> None:
    spent = {"kind": "budget", "t_s": 1.0, "reason": "9 of 9 tokens"}
    folder = run_of(tmp_path, main=[selection(1), *both(0, 1.0), spent])

    record = read_run(folder, facts_of)

    assert record.tasks["sums"].is_complete
    assert (record.spent, record.is_complete) == ("9 of 9 tokens", False)


def test_what_an_earlier_budget_left_over_is_still_missing(tmp_path: Path) -> None:
    """With --rerun-errors a later session takes it as it is."""
    spent = {"kind": "budget", "t_s": 1.0, "reason": "9 of 9 tokens"}
    left = [{**line, "status": "skipped"} for line in both(1, None)]
    first = [selection(2), *both(0, 1.0), *left, spent]
    taken = run_of(tmp_path / "a", main=first, **{"main-2": [selection(2)]})
    made_up = run_of(
        tmp_path / "b", main=first, **{"main-2": [selection(2), *both(1, 1.0)]}
    )

    short, whole = (read_run(folder, facts_of) for folder in (taken, made_up))

    assert (short.spent, short.is_complete) == (None, False)
    assert (whole.spent, whole.is_complete) == (None, True)


def cache_line(process: str, hits: int, problem: str | None = None) -> dict[str, Any]:
    counts = {"hits": hits, "misses": 2, "stores": 1, "sampled": 0}
    return {"kind": "cache", "process": process, "problem": problem, **counts}


def test_what_each_process_says_last_of_the_cache_is_summed(tmp_path: Path) -> None:
    folder = run_of(
        tmp_path,
        gw0=[cache_line("gw0/1", 3), cache_line("gw0/1", 5)],
        gw1=[cache_line("gw1/2", 4, "disk full")],
    )

    record = read_run(folder, facts_of)

    assert record.cache == {"hits": 9, "misses": 4, "stores": 2, "sampled": 0}
    assert record.cache_problem == "disk full"


def test_a_run_without_a_cache_says_nothing_of_one(tmp_path: Path) -> None:
    record = read_run(run_of(tmp_path, main=[selection(0)]), facts_of)

    assert (record.cache, record.cache_problem) == (None, None)
