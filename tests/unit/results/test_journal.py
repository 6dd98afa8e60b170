from __future__ import annotations

from pathlib import Path

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
    read_journals,
)

_SELECTION: SelectionDict = {
    "kind": "selection",
    "task": "sums",
    "path": None,
    "shard": 0,
    "original": 3,
    "selected": 3,
    "fingerprint": "f",
    "is_sample": False,
}


def write(path: Path, *lines: bytes) -> None:
    writer = JournalWriter(path)
    for line in lines:
        writer.write(line)
    writer.close()


def numbers(folder: Path) -> list[int]:
    return [line.value["n"] for line in read_journals(folder)]


def test_lines_are_read_back_in_the_order_they_were_written(tmp_path: Path) -> None:
    write(tmp_path / "made" / "main.jsonl", b'{"n":1}\n', b'{"n":2}\n{"n":3}\n')

    assert numbers(tmp_path / "made") == [1, 2, 3]


def test_a_line_is_on_its_way_to_disk_before_the_file_is_closed(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "main.jsonl")
    writer.write(b'{"n":1}\n')

    found = numbers(tmp_path)

    writer.close()
    assert found == [1]


def test_a_journal_that_is_there_already_is_somebody_elses(tmp_path: Path) -> None:
    write(tmp_path / "main.jsonl", b'{"n":1}\n')

    with pytest.raises(ResultsError, match="is there already"):
        JournalWriter(tmp_path / "main.jsonl")

    assert numbers(tmp_path) == [1]


def test_the_journals_of_all_workers_are_read(tmp_path: Path) -> None:
    write(tmp_path / "gw1.jsonl", b'{"n":2}\n')
    write(tmp_path / "gw0.jsonl", b'{"n":1}\n')
    (tmp_path / "notes.txt").write_text("not a journal")

    assert numbers(tmp_path) == [1, 2]


@given(st.integers(0, 15))
def test_a_last_line_that_is_torn_is_left_out(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    (folder / "main.jsonl").write_bytes(b'{"n":1}\n' + b'{"n": "torn"}   \n'[:cut])

    assert numbers(folder) == [1]


def test_a_damaged_line_before_the_last_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "main.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":\n{"n":3}\n')

    with pytest.raises(ResultsError) as told:
        numbers(tmp_path)

    assert str(told.value).startswith(f"{path}:2: not JSON")


def test_a_selection_is_told_from_a_sample(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "main.jsonl")
    writer.write_selection(_SELECTION)
    writer.write(b'{"task":"sums","doc_id":0}\n')
    writer.close()

    first, second = read_journals(tmp_path)

    assert first.selection == _SELECTION
    assert second.selection is None
    assert second.sample["doc_id"] == 0


def test_a_line_is_read_again_by_its_place_in_any_order(tmp_path: Path) -> None:
    texts = [encode({"n": n, "text": "ä" * n}) + b"\n" for n in range(6)]
    write(tmp_path / "gw0.jsonl", *texts[:3])
    write(tmp_path / "gw1.jsonl", *texts[3:])
    places = [line.place for line in read_journals(tmp_path)]

    with PlaceReader(journal_paths(tmp_path)) as reader:
        again = {n: reader.line(places[n]) for n in (5, 0, 1, 4, 2, 2, 3)}

    assert [again[n] for n in range(6)] == texts


def test_a_journal_that_cannot_be_made_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(ResultsError, match=r"cannot write .*--output-path"):
        JournalWriter(tmp_path / "taken" / "main.jsonl")
