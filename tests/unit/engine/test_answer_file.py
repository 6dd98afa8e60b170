from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pytest_evalkit.engine.answer_file import FILE_NAME, AnswerFile, Entry
from pytest_evalkit.errors import CacheError

_DEADLINE_S = 60


def entry(number: int, answer: bytes = b"", model: str = "m") -> Entry:
    return Entry(
        key=number.to_bytes(32),
        model=model,
        identity=f'{{"model":"{model}"}}',
        kind="generate",
        asked=b"?",
        answer=answer or f"answer {number}".encode(),
        stored_at=float(number),
    )


@contextmanager
def opened(folder: Path, *, create: bool = True) -> Iterator[AnswerFile]:
    with closing(AnswerFile(folder, create=create)) as file:
        yield file


def raw(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / FILE_NAME, isolation_level=None)


def test_an_answer_is_found_again_by_its_key(tmp_path: Path) -> None:
    with opened(tmp_path / "new" / "folder") as file:
        added = file.add([entry(1), entry(2, model="n")])
    with opened(tmp_path / "new" / "folder", create=False) as file:
        found = [file.find(entry(number).key) for number in (1, 2, 3)]

    assert added == 2
    assert found == [b"answer 1", b"answer 2", None]


def test_the_first_answer_to_a_question_stays(tmp_path: Path) -> None:
    with opened(tmp_path) as file:
        file.add([entry(1, b"first")])

        assert file.add([entry(1, b"second"), entry(2)]) == 1
        assert file.find(entry(1).key) == b"first"


def test_what_was_written_is_there_for_others_at_once(tmp_path: Path) -> None:
    with opened(tmp_path) as one, opened(tmp_path) as other:
        one.add([entry(1)])

        assert other.find(entry(1).key) == b"answer 1"


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    with opened(tmp_path) as one, opened(tmp_path) as other:
        one.add([entry(1)])
        with one.writing():
            found = other.find(entry(1).key)

    assert found == b"answer 1"


def test_writers_wait_for_each_other_and_lose_nothing(tmp_path: Path) -> None:
    def write(first: int) -> None:
        with opened(tmp_path) as file:
            for number in range(first, first + 200, 10):
                file.add([entry(number + n) for n in range(10)])

    threads = [threading.Thread(target=write, args=(n * 200,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with opened(tmp_path) as file:
        assert [file.find(entry(n).key) for n in range(800)] == [
            f"answer {n}".encode() for n in range(800)
        ]


def test_several_may_make_the_cache_at_once(tmp_path: Path) -> None:
    start = threading.Barrier(6)
    failures: list[CacheError] = []

    def make(number: int) -> None:
        start.wait()
        try:
            with opened(tmp_path / "cache") as file:
                file.add([entry(number)])
        except CacheError as error:
            failures.append(error)

    threads = [threading.Thread(target=make, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    with opened(tmp_path / "cache", create=False) as file:
        assert all(file.find(entry(n).key) for n in range(6))


def told(folder: Path, *, create: bool = True) -> str:
    with pytest.raises(CacheError) as refused:
        AnswerFile(folder, create=create)
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_text("these are my notes, " * 99)

    assert told(tmp_path) == (
        f"the response cache {path} cannot be used: file is not a database; name "
        "another folder with --use-cache, or remove the file"
    )
    assert path.read_text() == "these are my notes, " * 99


def test_a_database_of_another_program_is_told_and_left_alone(tmp_path: Path) -> None:
    with closing(raw(tmp_path)) as database:
        database.execute("CREATE TABLE answers (mine TEXT)")
    before = (tmp_path / FILE_NAME).read_bytes()

    assert "it is a database of another program" in told(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == before


@pytest.mark.parametrize(("version", "age"), [(2, "a newer"), (0, "an older")])
def test_another_version_is_told(tmp_path: Path, version: int, age: str) -> None:
    with opened(tmp_path):
        pass
    with closing(raw(tmp_path)) as database:
        database.execute(f"PRAGMA user_version = {version}")

    assert told(tmp_path).endswith(
        f"it has version {version}, of {age} release, and 1 is read here; use that "
        "release, or name another folder"
    )


def test_an_empty_file_is_a_cache_that_was_killed_in_the_making(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).touch()

    with opened(tmp_path) as file:
        assert file.add([entry(1)]) == 1


def test_a_folder_without_a_cache_is_told(tmp_path: Path) -> None:
    assert told(tmp_path, create=False) == (
        f"there is no response cache in {tmp_path}: no {FILE_NAME}"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    message = told(tmp_path / "file" / "cache")

    assert message.endswith(
        "cannot be used: Not a directory; name a folder that can be written with "
        "--use-cache"
    )


def test_a_full_disk_is_told_and_what_was_there_stays(tmp_path: Path) -> None:
    with opened(tmp_path) as file:
        file.add([entry(1)])
        pages = next(iter(file.rows("PRAGMA page_count")))[0]
        file.connection.execute(f"PRAGMA max_page_count = {pages}")

        with pytest.raises(CacheError, match="database or disk is full; free space"):
            file.add([entry(2), entry(3, b"x" * 100_000)])

        assert file.find(entry(1).key) == b"answer 1"
        assert file.find(entry(2).key) is None


def test_an_answer_that_was_altered_is_no_answer(tmp_path: Path) -> None:
    with opened(tmp_path) as file:
        file.add([entry(1)])
        with closing(raw(tmp_path)) as database:
            database.execute("UPDATE answers SET answer = CAST('answer 9' AS BLOB)")

        with pytest.raises(CacheError, match="an answer in it is damaged"):
            file.find(entry(1).key)


def test_a_damaged_file_gives_right_answers_or_an_error(tmp_path: Path) -> None:
    with opened(tmp_path / "sound") as file:
        file.add([entry(n, b"%d" % n * 99) for n in range(300)])
    sound = (tmp_path / "sound" / FILE_NAME).read_bytes()
    draws = random.Random(7)

    outcomes = set()
    for _ in range(60):
        torn = bytearray(sound)
        for _ in range(4):
            torn[draws.randrange(100, len(torn))] ^= draws.randrange(1, 256)
        (tmp_path / FILE_NAME).write_bytes(torn)
        outcomes |= read_all(tmp_path)
        (tmp_path / FILE_NAME).unlink()

    assert outcomes == {"right", "missing", "error"}


def read_all(folder: Path) -> set[str]:
    outcomes = set()
    try:
        with opened(folder) as file:
            for number in range(300):
                try:
                    found = file.find(entry(number).key)
                except CacheError:
                    outcomes.add("error")
                    continue
                assert found in {None, b"%d" % number * 99}
                outcomes.add("missing" if found is None else "right")
    except CacheError:
        outcomes.add("error")
    return outcomes


_WRITER = """
import sys
from pathlib import Path
from pytest_evalkit.engine.answer_file import AnswerFile
from tests.unit.engine.test_answer_file import entry
folder, number = Path(sys.argv[1]), int(sys.argv[2])
file = AnswerFile(folder, create=True)
while True:
    file.add([entry(number + n, b"%d" % (number + n) * 400) for n in range(20)])
    number += 20
    print(number, flush=True)
"""


def write_until_killed(folder: Path, start: int, seconds: float) -> int:
    """Have a process write from a number on, kill it, and tell how far it said it was."""
    said = folder / "said"
    with said.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(folder), str(start)],
            env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
            stdout=out,
        )
        deadline = time.monotonic() + _DEADLINE_S
        while not said.stat().st_size and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait(_DEADLINE_S)
    return int(said.read_text().split()[-1])


def test_a_writer_killed_in_the_middle_leaves_a_sound_file(tmp_path: Path) -> None:
    draws = random.Random(3)
    kept = 0
    for _ in range(6):
        kept = write_until_killed(tmp_path, kept, draws.random() / 20)
        with opened(tmp_path) as file:
            assert list(file.rows("PRAGMA integrity_check")) == [("ok",)]
            for number in range(kept):
                assert file.find(entry(number).key) == b"%d" % number * 400
            (count,) = next(iter(file.rows("SELECT count(*) FROM answers")))
            # The transaction under way was kept whole or not at all.
            assert count in {kept, kept + 20}
