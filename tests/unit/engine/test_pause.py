from __future__ import annotations

from pathlib import Path

import pytest

from pytest_evalkit.engine.pause import SharedPause
from pytest_evalkit.errors import ResultsError


class Clock:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def pause(path: Path, clock: Clock, longest_s: float = 120.0) -> SharedPause:
    return SharedPause(path / "journal" / "pause", longest_s=longest_s, clock=clock)


def test_nobody_waits_where_nobody_was_asked_to(tmp_path: Path) -> None:
    assert pause(tmp_path, Clock()).left_s() == 0.0
    assert list(tmp_path.iterdir()) == []


def test_what_one_announces_holds_for_all_until_its_end(tmp_path: Path) -> None:
    clock = Clock()
    mine, yours = pause(tmp_path, clock), pause(tmp_path, clock)

    mine.announce(2.0)

    assert (mine.left_s(), yours.left_s()) == (2.0, 2.0)
    clock.now += 1.5
    assert yours.left_s() == 0.5
    clock.now += 0.5
    assert (mine.left_s(), yours.left_s()) == (0.0, 0.0)


def test_a_pause_is_seen_within_a_twentieth_of_a_second(tmp_path: Path) -> None:
    clock = Clock()
    mine, yours = pause(tmp_path, clock), pause(tmp_path, clock)
    before = yours.left_s()

    mine.announce(2.0)
    at_once = yours.left_s()
    clock.now += 0.051

    assert (before, at_once) == (0.0, 0.0)
    assert yours.left_s() == pytest.approx(1.949)


@pytest.mark.parametrize(("second_s", "expected"), [(1.0, 5.0), (9.0, 9.0)])
def test_the_longest_wait_counts_whoever_was_asked(
    tmp_path: Path, second_s: float, expected: float
) -> None:
    clock = Clock()
    mine, yours, theirs = (pause(tmp_path, clock) for _ in range(3))

    mine.announce(5.0)
    yours.announce(second_s)

    assert theirs.left_s() == expected


def test_a_clock_that_stands_elsewhere_is_not_believed(tmp_path: Path) -> None:
    pause(tmp_path, Clock(50_000.0)).announce(2.0)

    assert pause(tmp_path, Clock(1000.0)).left_s() == 0.0


def test_what_cannot_be_read_holds_nobody_up(tmp_path: Path) -> None:
    clock = Clock()
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "pause").write_text("soon")
    mine, yours = pause(tmp_path, clock), pause(tmp_path, clock)

    assert mine.left_s() == 0.0
    mine.announce(3.0)
    assert yours.left_s() == 3.0


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file in its place")

    with pytest.raises(ResultsError, match=r"cannot write .*pause"):
        pause(tmp_path, Clock()).announce(1.0)


def test_nothing_but_the_file_is_left(tmp_path: Path) -> None:
    clock = Clock()
    for seconds in (1.0, 2.0, 3.0):
        pause(tmp_path, clock).announce(seconds)

    assert [path.name for path in (tmp_path / "journal").iterdir()] == ["pause"]
