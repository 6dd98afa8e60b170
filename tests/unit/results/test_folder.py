from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.folder import (
    RunFolder,
    plan_run_folder,
    safe_name,
    write_whole,
)

_STARTED = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gpt-5", "gpt-5"),
        ("Qwen/Qwen3-VL-8B", "Qwen__Qwen3-VL-8B"),
        ("a b:c", "a__b__c"),
        ("../../etc", "etc"),
        ("..", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_a_name_becomes_the_name_of_a_file(name: str, expected: str) -> None:
    assert safe_name(name) == expected


@given(st.text())
def test_no_name_leads_out_of_its_folder(name: str) -> None:
    safe = safe_name(name)

    assert safe not in {"", ".", ".."}
    assert "/" not in safe
    assert "\\" not in safe


def test_a_run_has_a_folder_of_its_model_and_start(tmp_path: Path) -> None:
    folder = plan_run_folder(tmp_path, "org/model", _STARTED)

    assert folder.root == tmp_path / "org__model" / "20260304T050607_089"
    assert not folder.root.exists()


def test_runs_of_the_same_moment_are_told_apart(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        folder = plan_run_folder(tmp_path, "m", _STARTED)
        folder.root.mkdir(parents=True)
        names.append(folder.root.name)

    stamp = "20260304T050607_089"
    assert names == [stamp, f"{stamp}-1", f"{stamp}-2"]


def test_the_files_of_a_run_have_their_places() -> None:
    folder = RunFolder(Path("run"))

    assert folder.results_path == Path("run/results.json")
    assert folder.report_path == Path("run/report.html")
    assert folder.journal_dir == Path("run/journal")
    assert folder.samples_path("mmlu/law") == Path("run/samples_mmlu__law.jsonl")


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(b"before")

    write_whole(path, [b"one ", b"two"])

    assert path.read_bytes() == b"one two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_fails_half_way_keeps_what_was_there(tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise OSError(28, "No space left on device")

    path = tmp_path / "results.json"
    path.write_bytes(b"before")

    with pytest.raises(ResultsError, match=r"cannot write .*: No space left on device"):
        write_whole(path, chunks())

    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"cannot write .*No such file or directory"):
        write_whole(tmp_path / "gone" / "results.json", [b""])
