from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_evalkit.results.conclusion import read_run
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.journal import SelectionDict
from pytest_evalkit.results.task_record import TaskFacts
from pytest_evalkit.results.turns import write_turns
from tests.unit.results.run_journals import (
    both,
    facts_of,
    run_of,
    sample,
    selection,
)


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
