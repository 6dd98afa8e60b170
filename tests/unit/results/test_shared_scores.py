from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.shared_scores import (
    SharedScores,
    ToldScores,
    forget_scores,
)


def scores(folder: Path, share: int, session: int = 1) -> SharedScores:
    """Scores of one process, whose clock goes on by a second at each look."""
    ticks = count()
    return SharedScores(
        folder, session=session, share=share, clock=lambda: float(next(ticks))
    )


def test_a_process_hears_what_the_others_tell(tmp_path: Path) -> None:
    one, two = scores(tmp_path / "journal", 0), scores(tmp_path / "journal", 1)

    one.tell(ToldScores("sums", 3, [1.0, None]))

    assert list(two.heard()) == [("sums", 3, [1.0, None])]
    assert list(one.heard()) == []


def test_everything_is_heard_once(tmp_path: Path) -> None:
    one, two = scores(tmp_path, 0), scores(tmp_path, 1)
    heard = []

    for position in range(3):
        one.tell(ToldScores("sums", position, [0.5]))
        heard.append([told.position for told in two.heard()])

    assert heard == [[0], [1], [2]]


def test_files_are_not_looked_at_all_the_time(tmp_path: Path) -> None:
    one = scores(tmp_path, 0)
    two = SharedScores(tmp_path, session=1, share=1, clock=lambda: 7.0)
    assert list(two.heard()) == []

    one.tell(ToldScores("sums", 0, [0.5]))

    assert list(two.heard()) == []


def test_a_line_that_a_killed_process_began_is_left_out(tmp_path: Path) -> None:
    killed, two = scores(tmp_path, 0), scores(tmp_path, 1)
    killed.tell(ToldScores("sums", 0, [0.5]))
    killed.close()
    (path,) = tmp_path.iterdir()
    with path.open("ab") as file:
        file.write(b'["sums",1,[0.')
    before = [told.position for told in two.heard()]

    scores(tmp_path, 0).tell(ToldScores("sums", 1, [1.0]))

    assert before == [0]
    assert list(two.heard()) == [("sums", 1, [1.0])]


def test_what_an_earlier_session_told_is_not_heard(tmp_path: Path) -> None:
    scores(tmp_path, 0, session=1).tell(ToldScores("sums", 0, [0.5]))

    assert list(scores(tmp_path, 1, session=2).heard()) == []


def test_files_are_no_journals_and_are_taken_away(tmp_path: Path) -> None:
    scores(tmp_path, 0).tell(ToldScores("sums", 0, [0.5]))
    (tmp_path / "gw0.jsonl").touch()
    assert len(list(tmp_path.glob("*.jsonl"))) == 1

    forget_scores(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["gw0.jsonl"]


def test_a_file_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "journal").touch()

    with pytest.raises(ResultsError, match="--output-path"):
        scores(tmp_path / "journal", 0).tell(ToldScores("sums", 0, [0.5]))
