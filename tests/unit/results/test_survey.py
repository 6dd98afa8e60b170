from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.journal import (
    JournalWriter,
    PlaceReader,
    SelectionDict,
    journal_paths,
)
from pytest_evalkit.results.positions import Positions, ranges_of
from pytest_evalkit.results.resuming import find_run, newest_run, next_session
from pytest_evalkit.results.survey import survey


def selection(*documents: int, shard: int = 0) -> SelectionDict:
    return {
        "kind": "selection",
        "task": "sums",
        "path": "sums.yaml",
        "shard": shard,
        "original": 9,
        "selected": len(documents),
        "fingerprint": "f",
        "is_sample": False,
        "documents": ranges_of(documents),
        "filters": ["a", "b"],
        "identity": {},
    }


def lines(doc_id: int, status: str = "scored", **more: Any) -> list[dict[str, Any]]:
    head = {"task": "sums", "doc_id": doc_id, "status": status, **more}
    return [{**head, "filter": name} for name in ("a", "b")]


def write(path: Path, *said: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(encode(line) + b"\n" for line in said))


def test_a_document_without_all_its_lines_has_no_record(tmp_path: Path) -> None:
    torn = lines(1)[:1]
    write(tmp_path / "main.jsonl", selection(0, 1, 2), *lines(0), *torn, *lines(2))

    task = survey(tmp_path).tasks["sums"]

    assert [task.status(n) for n in range(4)] == ["scored", None, "scored", None]
    assert list(task.documents()) == [0, 2]


def test_the_record_of_the_later_session_counts(tmp_path: Path) -> None:
    write(tmp_path / "main.jsonl", selection(0, 1), *lines(0, "error"), *lines(1))
    write(tmp_path / "gw0-2.jsonl", selection(0), *lines(0, note="new"))

    found = survey(tmp_path)

    task = found.tasks["sums"]
    places = list(task.places(0, ("a", "b")))
    with PlaceReader(found.paths) as reader:
        assert all(b'"new"' in reader.line(place) for place in places)
    assert (task.status(0), task.status(1)) == ("scored", "scored")
    assert set(task.selected or ()) == {0}
    assert found.last_session == 2


def test_the_shares_of_one_session_are_one_selection(tmp_path: Path) -> None:
    write(tmp_path / "gw0.jsonl", selection(0, 2, 4))
    write(tmp_path / "gw1.jsonl", selection(1, 3, shard=1))

    assert set(survey(tmp_path).tasks["sums"].selected or ()) == set(range(5))


def test_later_processes_come_after_earlier_ones(tmp_path: Path) -> None:
    names = ["gw10.jsonl", "gw2.jsonl", "gw0-10.jsonl", "gw0-2.jsonl", "main-3.jsonl"]
    for name in names:
        write(tmp_path / name)

    assert [path.name for path in journal_paths(tmp_path)] == [
        *("gw2.jsonl", "gw10.jsonl"),
        *("gw0-2.jsonl", "main-3.jsonl", "gw0-10.jsonl"),
    ]


def test_a_sample_that_nobody_announced_is_told(tmp_path: Path) -> None:
    write(tmp_path / "main.jsonl", *lines(0))

    with pytest.raises(ResultsError):
        survey(tmp_path)


@given(st.sets(st.integers(0, 60)))
def test_ranges_hold_the_positions_they_were_made_of(positions: set[int]) -> None:
    ranges = ranges_of(positions)

    assert set(Positions(ranges)) == positions
    assert [n for n in range(-1, 62) if n in Positions(ranges)] == sorted(positions)
    assert len(ranges) <= max(1, len(positions))


def test_every_nth_position_is_one_range() -> None:
    assert ranges_of(range(3, 4000, 4)) == [[3, 4000, 4]]


def test_the_newest_run_is_the_one_that_began_last(tmp_path: Path) -> None:
    for stamp in ("20261121T100000_000-2", "20261121T100000_000-10", "20261121T0"):
        write(tmp_path / "m" / stamp / "journal" / "main.jsonl")
    (tmp_path / "m" / "20261122T000000_000").mkdir()

    newest = newest_run(tmp_path, "m")

    assert newest is not None
    assert newest.root.name == "20261121T100000_000-10"
    assert next_session(newest) == 2
    assert newest_run(tmp_path, "other") is None


def test_a_run_is_found_by_its_folder_or_results(tmp_path: Path) -> None:
    write(tmp_path / "run" / "journal" / "main.jsonl")

    assert find_run(tmp_path / "run") == find_run(tmp_path / "run" / "results.json")
    with pytest.raises(
        ResultsError, match=r"there is no run .*rum; did you mean 'run'"
    ):
        find_run(tmp_path / "rum")


def test_what_is_no_run_is_not_offered_as_one(tmp_path: Path) -> None:
    (tmp_path / "rum.txt").write_text("not a run")

    with pytest.raises(ResultsError, match="rum; 'last' is the newest one"):
        find_run(tmp_path / "rum")


def test_a_line_that_did_not_fit_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = JournalWriter(tmp_path / "main.jsonl")
    writer.write(b'{"n":1}\n')
    with (tmp_path / "main.jsonl").open("ab") as other:
        other.write(b'{"half')
    real = __import__("os").write

    def full(_file: int, _lines: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    with pytest.raises(ResultsError, match="No space left"):
        writer.write(b'{"n":2}\n')
    monkeypatch.setattr("os.write", real)
    writer.write(b'{"n":3}\n')
    writer.close()

    assert (tmp_path / "main.jsonl").read_bytes() == b'{"n":1}\n{"n":3}\n'
