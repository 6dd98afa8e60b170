from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_evalkit.codec import encode
from pytest_evalkit.results.concluding import end_early
from pytest_evalkit.results.conclusion import RunRecord, read_run, write_samples
from pytest_evalkit.results.early_stop import drawn_order
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.gates import parse_gate
from pytest_evalkit.results.journal import JournalWriter, SelectionDict
from pytest_evalkit.results.task_record import TaskFacts
from pytest_evalkit.results.turns import write_turns
from pytest_evalkit.scoring import build_plan
from pytest_evalkit.stats import wilson_interval


def facts_of(_: SelectionDict) -> TaskFacts:
    filters = [
        {"name": name, "filter": [{"function": "take_first"}]} for name in ("z", "a")
    ]
    plan = build_plan(filters, [{"metric": "acc"}], lambda _doc, _results: {})
    return TaskFacts(alias="Sums", config={}, version=1, num_fewshot=0, plan=plan)


def selection(selected: int, shard: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "selection",
        "task": "sums",
        "path": "sums.yaml",
        "shard": shard,
        "original": 4,
        "selected": selected,
        "fingerprint": "f",
        "is_sample": False,
        **changes,
    }


def sample(doc_id: int, acc: float | None, pipeline: str = "z") -> dict[str, Any]:
    status: dict[str, Any] = {"status": "scored", "metrics": ["acc"], "acc": acc}
    if acc is None:
        status = {"status": "error", "metrics": [], "error": "no answer: HTTP 500"}
    return {
        "schema_version": 1,
        "task": "sums",
        "doc_id": doc_id,
        "item_id": f"q{doc_id}",
        "doc_hash": f"hash{doc_id}",
        "input": [],
        "target": "4",
        "filter": pipeline,
        "filtered_resps": "4",
        "attempts": 1,
        **status,
    }


def both(doc_id: int, acc: float | None) -> list[dict[str, Any]]:
    return [sample(doc_id, acc, pipeline) for pipeline in ("z", "a")]


def run_of(root: Path, **journals: list[dict[str, Any]]) -> RunFolder:
    folder = RunFolder(root)
    for name, lines in journals.items():
        writer = JournalWriter(folder.journal_dir / f"{name}.jsonl")
        for line in lines:
            writer.write(encode(line) + b"\n")
        writer.close()
    return folder


def value_of(record: RunRecord) -> Any:
    conclusion = record.tasks["sums"].conclude(judge_partial=False)
    return conclusion.aggregates[0]["value"]


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


def talk(doc_id: int, *statuses: str, pipeline: str = "z") -> dict[str, Any]:
    turns = [
        {"turn": 2 * n + 1, "status": status, "cause": None, "text": f"{doc_id}/{n}"}
        for n, status in enumerate(statuses)
    ]
    said = {"conversation_id": f"c{doc_id}", "turns": turns}
    return sample(doc_id, 1.0, pipeline) | said


def facts_of_talks(said: SelectionDict) -> TaskFacts:
    return replace(facts_of(said), config={"conversation": {}})


def rows_of(folder: RunFolder) -> list[tuple[str, int, str]]:
    lines = folder.turns_path("sums").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert all(row["schema_version"] == 1 and row["task"] == "sums" for row in rows)
    return [(row["conversation_id"], row["turn"], row["status"]) for row in rows]


def test_each_turn_has_a_row_whatever_the_number_of_filters(tmp_path: Path) -> None:
    journal = [
        talk(1, "successful", "skipped", pipeline="z"),
        talk(1, "successful", "skipped", pipeline="a"),
        talk(0, "errored", pipeline="a"),
        talk(0, "errored", pipeline="z"),
    ]
    folder = run_of(tmp_path, main=[selection(2), *without_times(journal)])

    write_turns(folder, read_run(folder, facts_of_talks))

    assert rows_of(folder) == [
        ("c0", 1, "errored"),
        ("c1", 1, "successful"),
        ("c1", 3, "skipped"),
    ]


def test_of_a_conversation_led_twice_the_last_turns_count(tmp_path: Path) -> None:
    first = [talk(0, "errored", "skipped", pipeline=name) for name in ("z", "a")]
    again = [talk(0, "successful", "successful", pipeline=n) for n in ("z", "a")]
    folder = run_of(
        tmp_path,
        gw0=[selection(1), *without_times(first)],
        gw1=[selection(1), *without_times(again)],
    )

    write_turns(folder, read_run(folder, facts_of_talks))

    assert rows_of(folder) == [("c0", 1, "successful"), ("c0", 3, "successful")]


def test_a_task_without_conversations_has_no_turns(tmp_path: Path) -> None:
    folder = run_of(tmp_path, main=[selection(1), *both(0, 1.0)])

    write_turns(folder, read_run(folder, facts_of))

    assert not folder.turns_path("sums").exists()


def without_times(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fill in what turns say besides: nothing."""
    empty = {
        "finish_reason": None,
        "token_counts": None,
        **dict.fromkeys(("planned_at_s", "sent_at_s", "latency_s", "ttft_s", "ttfo_s")),
        **dict.fromkeys(("gaps_sum_s", "n_chunks", "bad_frames", "attempts")),
    }
    return [one | {"turns": [empty | turn for turn in one["turns"]]} for one in samples]


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
