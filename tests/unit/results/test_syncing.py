from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.journal import JournalWriter
from pytest_evalkit.results.syncing import Syncing, sync_file

Disk = Callable[[int | None], list[int]]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Stand for the disk: it notes who asks, and fails with an error if given one."""

    def make(number: int | None) -> list[int]:
        asked: list[int] = []

        def sync(file: int) -> None:
            asked.append(file)
            if number is not None:
                raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fdatasync", sync, raising=False)
        return asked

    return make


def test_the_disk_is_asked_only_where_something_was_written(disk: Disk) -> None:
    asked = disk(None)
    syncing = Syncing(7)

    syncing.sync()
    before = list(asked)
    syncing.is_due = True
    syncing.sync()
    syncing.sync()

    assert before == []
    assert asked == [7]


def test_a_failure_of_the_disk_is_kept(disk: Disk) -> None:
    disk(errno.EIO)
    syncing = Syncing(7)
    syncing.is_due = True

    syncing.sync()

    assert syncing.failure is not None
    assert syncing.failure.errno == errno.EIO


def test_what_has_no_disk_has_nothing_to_fail() -> None:
    reading, writing = os.pipe()

    sync_file(writing)

    os.close(reading)
    os.close(writing)


def test_the_disk_is_asked_now_and_then_and_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    was_asked = threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda _: was_asked.set(), raising=False)
    syncing = Syncing(7)

    syncing.is_due = True
    syncing.begin(0.001)
    in_time = was_asked.wait(60)
    was_asked.clear()
    syncing.is_due = True
    syncing.end()

    assert in_time
    assert was_asked.is_set()
    assert "evalkit-sync" not in [thread.name for thread in threading.enumerate()]


def test_a_journal_whose_disk_failed_takes_no_more(tmp_path: Path, disk: Disk) -> None:
    writer = JournalWriter(tmp_path / "main.jsonl")
    writer.write(b'{"n":1}\n')
    disk(errno.EIO)

    with pytest.raises(ResultsError, match="Input/output error"):
        writer.sync()
    with pytest.raises(ResultsError, match=r"cannot write .*main\.jsonl"):
        writer.write(b'{"n":2}\n')

    writer.close()


def test_a_journal_that_nobody_asked_for_is_not_synced(
    tmp_path: Path, disk: Disk
) -> None:
    asked = disk(None)
    writer = JournalWriter(tmp_path / "main.jsonl")
    writer.write(b'{"n":1}\n')
    writer.close()

    assert asked == []
