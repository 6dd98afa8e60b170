from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.codec import decode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.merging import elapsed_s, join
from pytest_evalkit.results.sources import Source, in_order, read_source, run_folders
from pytest_evalkit.results.spans import covered_s
from tests.unit.results.merged_runs import (
    MODEL,
    run_line,
    sample,
    selection,
    shard_run,
    whole,
    write_run,
)


def joined(root: Path, *folders: Path) -> Path:
    join([read_source(folder) for folder in folders], RunFolder(root))
    return root


def journals(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / "journal").iterdir()}


def doc_ids(source: Source) -> list[int]:
    return sorted(doc for part in source.parts for doc in part.documents("sums"))


@given(st.permutations([1, 2, 3]))
def test_the_order_of_the_runs_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    root = tmp_path_factory.mktemp("runs")
    shards = {index: shard_run(root, index) for index in (1, 2, 3)}

    one = joined(root / "one", *shards.values())
    other = joined(root / "other", *(shards[index] for index in order))

    assert journals(one) == journals(other)


def test_a_merged_run_has_every_document_once(tmp_path: Path) -> None:
    shards = [shard_run(tmp_path, index) for index in (1, 2, 3)]

    merged = read_source(joined(tmp_path / "merged", *shards))

    assert doc_ids(merged) == [0, 1, 2, 3, 4, 5]
    assert merged.record.tasks["sums"].conclude(judge_partial=True).coverage == {
        "original": 6,
        "selected": 6,
        "scored": 6,
        "errors": 0,
        "skipped": 0,
    }
    assert merged.record.model_name == MODEL["name"]
    assert merged.is_complete


def test_a_merged_run_is_merged_as_what_it_was_made_of(tmp_path: Path) -> None:
    shards = [shard_run(tmp_path, index) for index in (1, 2, 3)]
    at_once = joined(tmp_path / "at_once", *shards)
    first_two = joined(tmp_path / "two", *shards[:2])

    again = joined(tmp_path / "again", at_once)
    by_steps = joined(tmp_path / "steps", shards[2], first_two)

    assert journals(again) == journals(at_once)
    assert journals(by_steps) == journals(at_once)


def test_of_a_document_recorded_twice_the_last_record_is_merged(
    tmp_path: Path,
) -> None:
    run = write_run(
        tmp_path / "run",
        run_line((1, 1)),
        selection(1, **whole(1)),
        sample(0, status="error", error="no answer: 500", metrics=[]),
        sample(0, acc=0.0),
    )

    lines = journals(joined(tmp_path / "merged", run))["part0001.jsonl"].splitlines()

    samples = [decode(line) for line in lines if b'"doc_id"' in line]
    assert [one["status"] for one in samples] == ["scored"]


def test_the_last_line_of_a_killed_run_may_be_torn(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", run_line(), selection(2), sample(0), sample(1))
    path = run / "journal" / "main.jsonl"
    path.write_bytes(path.read_bytes()[:-9])

    merged = read_source(joined(tmp_path / "merged", run))

    assert doc_ids(merged) == [0]
    assert not merged.is_complete


def test_workers_of_several_runs_keep_apart(tmp_path: Path) -> None:
    folders = []
    for index in (1, 2):
        root = tmp_path / f"shard{index}"
        for worker in (0, 1):
            own = index - 1 + 2 * worker
            write_run(
                root,
                run_line((index, 2)),
                {"kind": "concurrency", "t_s": 0.1, "limit": 3, "reason": "fixed"}
                | {"worker": worker},
                selection(1, shard=worker, **whole(4)),
                sample(own),
                journal=f"gw{worker}",
            )
        folders.append(root)

    merged = read_source(joined(tmp_path / "merged", *folders))

    assert merged.record.tasks["sums"].is_complete
    assert doc_ids(merged) == [0, 1, 2, 3]
    assert sorted(limit["worker"] for limit in merged.record.limits) == [0, 1, 2, 3]


def test_what_was_counted_of_several_runs_is_kept(tmp_path: Path) -> None:
    def counting(process: str, here: int) -> dict[str, Any]:
        return {
            "kind": "token_counting",
            "process": process,
            "requests": 1,
            "compared": {"input_tokens": {"requests": 1, "server": 9, "here": here}},
            "without_template": 0,
            "problem": None,
        }

    folders = [
        write_run(
            tmp_path / f"shard{index}",
            run_line((index, 2)),
            selection(1, **whole(2)),
            sample(index - 1),
            counting("main", index),
        )
        for index in (1, 2)
    ]
    once = joined(tmp_path / "once", *folders)

    merged = read_source(joined(tmp_path / "twice", once))

    lines = merged.record.load.counted
    assert [line["compared"]["input_tokens"]["here"] for line in lines] == [1, 2]
    assert {line["process"] for line in lines} == {"part0001-main", "part0002-main"}


def test_a_worker_that_was_killed_at_once_is_no_obstacle(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", run_line(), selection(1), sample(0))
    (run / "journal" / "gw1.jsonl").write_bytes(b"")

    assert doc_ids(read_source(run)) == [0]


def test_a_journal_that_does_not_say_its_run_is_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", selection(1), sample(0))

    with pytest.raises(ResultsError, match="does not say what run it is of"):
        read_source(run)


def test_time_counts_once_where_runs_were_at_work_together(tmp_path: Path) -> None:
    # Documents end 0.5 s after they start, which is as many seconds in as their number.
    folders = [
        write_run(
            tmp_path / name,
            run_line(started_at=started_at),
            selection(1),
            sample(doc_id),
        )
        for name, started_at, doc_id in (
            ("a", 100.0, 4),
            ("b", 103.0, 3),
            ("c", 200, 1),
        )
    ]

    parts = [part for _, part in in_order([read_source(one) for one in folders])]

    # From 100 to 106.5, and from 200 to 201.5.
    assert elapsed_s(parts) == 8.0
    assert covered_s([]) == 0.0


def test_the_time_between_a_kill_and_going_on_does_not_count(tmp_path: Path) -> None:
    run = tmp_path / "run"
    write_run(run, run_line((1, 1)), selection(2, **whole(2)), sample(0))
    write_run(
        run,
        run_line((1, 1), started_at=900.0),
        selection(2, **whole(2)),
        sample(1),
        journal="main-2",
    )

    merged = joined(tmp_path / "merged", run)

    # Half a second, and one and a half.
    for folder in (run, merged, joined(tmp_path / "again", merged)):
        assert elapsed_s(read_source(folder).parts) == 2.0


def test_a_folder_stands_for_the_runs_below_it(tmp_path: Path) -> None:
    shards = [shard_run(tmp_path, index) for index in (1, 2)]

    assert run_folders([tmp_path]) == shards
    (shards[1] / "results.json").write_text("{}", encoding="utf-8")
    assert run_folders([shards[1] / "results.json"]) == [shards[1]]


def test_a_run_given_twice_is_refused(tmp_path: Path) -> None:
    shard = shard_run(tmp_path, 1)

    with pytest.raises(ResultsError, match="given twice"):
        run_folders([tmp_path, shard])


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="holds no run; give the folders"):
        run_folders([tmp_path])
    with pytest.raises(ResultsError, match="there is no "):
        run_folders([tmp_path / "absent"])
