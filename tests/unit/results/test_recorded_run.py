from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_evalkit.errors import OptionError, RecordingError
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.merging import join
from pytest_evalkit.results.recorded_run import RecordedRun, last_run
from pytest_evalkit.results.sources import read_source
from tests.unit.results.merged_runs import (
    MODEL,
    run_line,
    sample,
    selection,
    shard_run,
    write_run,
)


@pytest.fixture
def run(tmp_path: Path) -> RecordedRun:
    root = write_run(
        tmp_path / "m" / "now",
        run_line(num_fewshot=2, limit=4.0),
        {"kind": "model", **MODEL},
        selection(4),
        sample(0),
        sample(1, doc_hash="same", filtered_resps="one"),
        sample(2, doc_hash="same", filtered_resps="two"),
        sample(3, doc_hash="", status="skipped", error="needs a judge", metrics=[]),
    )
    return RecordedRun(root, "RUN")


def test_a_document_is_found_by_its_content_wherever_it_stands(
    run: RecordedRun,
) -> None:
    assert run.find("sums", "hash0", 7)["doc_id"] == 0
    run.close()


def test_equal_documents_are_told_apart_by_their_places(run: RecordedRun) -> None:
    found = [run.find("sums", "same", doc_id)["filtered_resps"] for doc_id in (1, 2, 9)]

    assert found == ["one", "two", "one"]
    run.close()


def test_a_document_that_was_never_prepared_is_found_by_its_place(
    run: RecordedRun,
) -> None:
    assert run.find("sums", "hash3", 3)["status"] == "skipped"
    run.close()


def test_a_document_that_was_not_asked_is_told_from_one_that_has_changed(
    run: RecordedRun,
) -> None:
    with pytest.raises(RecordingError, match="5 of task 'sums' was not asked in RUN"):
        run.find("sums", "hash5", 5)
    with pytest.raises(RecordingError, match="0 of task 'sums' is another one in RUN"):
        run.find("sums", "other", 0)


def test_a_task_that_was_not_asked_is_refused_with_the_nearest(
    run: RecordedRun,
) -> None:
    run.require("sums")
    with pytest.raises(OptionError, match="no answers of task 'sum'; did you mean"):
        run.require("sum")


def test_it_tells_its_model_and_settings(run: RecordedRun) -> None:
    assert run.name == "m/now"
    assert run.model_name == MODEL["name"]
    assert run.model_description == MODEL["description"]
    assert run.said["settings"]["num_fewshot"] == 2
    assert run.agreed_options()["limit"] == 4.0


def test_a_merged_run_is_no_shard(tmp_path: Path) -> None:
    shards = [shard_run(tmp_path, index) for index in (1, 2, 3)]
    merged = RunFolder(tmp_path / "merged")
    join([read_source(shard) for shard in shards], merged)

    run = RecordedRun(merged.root, "RUN")

    assert run.agreed_options()["shard"] is None
    assert [run.find("sums", f"hash{n}", n)["doc_id"] for n in range(6)] == [*range(6)]
    run.close()


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--rescore RUN: there is no run; name"):
        RecordedRun(tmp_path, "RUN")


def test_a_run_that_had_not_begun_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()

    with pytest.raises(OptionError, match="its journal is empty"):
        _ = RecordedRun(tmp_path, "RUN").said


def test_the_last_run_is_the_one_written_to_last(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--rescore last: there is no run under"):
        last_run(tmp_path)
    roots = [
        write_run(tmp_path / model / "now", run_line(), selection(1), sample(0))
        for model in ("a", "b", "c")
    ]
    for root, time_ns in zip(roots, (5, 9, 7), strict=True):
        os.utime(root / "journal" / "main.jsonl", ns=(time_ns, time_ns))

    assert last_run(tmp_path) == roots[1]
