from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.plugin.progress import Progress, ProgressLine, RunningMean

ACC = "acc,none"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Screen:
    """Remembers what a terminal showed, one state after another."""

    def __init__(self, *, is_live: bool, verbosity: int = 0, width: int = 80) -> None:
        self.lines: list[str] = []
        self.verbosity = verbosity
        self._is_live = is_live
        self._tw = self
        self.fullwidth = width

    def isatty(self) -> bool:
        return self._is_live

    def write_line(self, line: str) -> None:
        self.lines.append(line)

    def rewrite(self, line: str, **_: Any) -> None:
        if self.lines[-1:] != [f"\r{line}"]:
            self.lines.append(f"\r{line}")


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50))
def test_a_running_mean_is_the_mean_of_all_values(values: list[float]) -> None:
    running = RunningMean()

    for value in values:
        running.add(value)

    error = statistics.stdev(values) / math.sqrt(len(values))
    assert running.n == len(values)
    assert running.mean == pytest.approx(statistics.fmean(values), abs=1e-6)
    assert running.stderr == pytest.approx(error, abs=1e-4)


def test_one_value_has_no_error() -> None:
    running = RunningMean()
    running.add(1.0)

    assert running.stderr is None


def test_the_line_tells_how_far_and_how_good() -> None:
    clock = Clock()
    progress = Progress(clock)
    progress.begin(2000)
    for score in (1.0, 0.0, 1.0, 1.0):
        progress.add("mme", "scored", ACC, score)
    progress.add("mme", "error", None, None)
    clock.now += 10

    # Mean 0.75, variance 0.25, error sqrt(0.25 / 4); 5 in 10 s, 1995 to go at 2 s each.
    assert progress.line() == (
        "mme 5/2,000  acc 0.750 ± 0.250  0.5 docs/s  1 error  1 h 06 min left"
    )


def test_a_skipped_document_is_done_without_a_score_or_an_error() -> None:
    progress = Progress(Clock())
    progress.begin(2)

    progress.add("mme", "skipped", None, None)

    assert progress.line() == "mme 1/2"
    assert (progress.done, progress.errors) == (1, 0)


def test_each_task_has_its_own_score() -> None:
    progress = Progress(Clock())
    progress.begin(2)
    progress.add("mme", "scored", ACC, 1.0)
    progress.add("gsm8k", "scored", "exact_match,strict", 0.0)

    assert progress.line().startswith("gsm8k 2/2  exact_match 0.000")


def test_a_task_is_shown_by_the_metric_it_began_with() -> None:
    progress = Progress(Clock())
    progress.begin(3)
    progress.add("mme", "scored", "perception,none", 1.0)
    progress.add("mme", "scored", "cognition,none", 0.0)
    progress.add("mme", "scored", "perception,none", 0.5)

    assert "perception 0.750 ± 0.250" in progress.line()


@pytest.mark.parametrize(
    ("seconds_each", "left"),
    [(2, "18 s left"), (12.5, "1 min 52 s left"), (720, "1 h 48 min left")],
)
def test_the_time_left_is_told_in_fitting_units(seconds_each: float, left: str) -> None:
    clock = Clock()
    progress = Progress(clock)
    progress.begin(10)
    progress.add("mme", "scored", ACC, 1.0)
    clock.now += seconds_each

    assert progress.line().endswith(left)


def test_a_finished_run_has_no_time_left() -> None:
    clock = Clock()
    progress = Progress(clock)
    progress.begin(300)
    for _ in range(300):
        progress.add("mme", "scored", ACC, 1.0)
    clock.now += 2

    assert progress.line() == "mme 300/300  acc 1.000 ± 0.000  150 docs/s"


def line_on(screen: Screen, clock: Clock) -> tuple[Progress, ProgressLine]:
    progress = Progress(clock)
    progress.begin(100)
    return progress, ProgressLine(screen, progress, clock)


@pytest.fixture
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


def test_a_terminal_is_redrawn_often_but_not_for_each_document(no_ci: None) -> None:
    screen, clock = Screen(is_live=True), Clock()
    progress, line = line_on(screen, clock)

    for _ in range(100):
        progress.add("mme", "scored", ACC, 1.0)
        clock.now += 0.01
        line.update()

    assert 5 <= len(screen.lines) <= 11
    assert all(text.startswith("\rmme ") for text in screen.lines)


def test_a_line_is_cut_to_the_terminal(no_ci: None) -> None:
    screen, clock = Screen(is_live=True, width=20), Clock()
    progress, line = line_on(screen, clock)
    progress.add("a_task_of_a_long_name", "scored", ACC, 1.0)
    clock.now += 1

    line.update()

    assert screen.lines == ["\ra_task_of_a_long_na"]


@pytest.mark.parametrize("is_ci", [True, False])
def test_a_log_gets_a_whole_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, is_ci: bool
) -> None:
    if is_ci:
        monkeypatch.setenv("CI", "true")
    screen, clock = Screen(is_live=is_ci), Clock()
    progress, line = line_on(screen, clock)

    for _ in range(50):
        progress.add("mme", "scored", ACC, 1.0)
        clock.now += 1
        line.update()

    assert 3 <= len(screen.lines) <= 5
    assert not any(text.startswith("\r") for text in screen.lines)


@pytest.mark.parametrize(("is_live", "verbosity"), [(True, -1), (False, -1), (True, 1)])
def test_nothing_is_drawn_where_it_would_disturb(
    no_ci: None, is_live: bool, verbosity: int
) -> None:
    screen, clock = Screen(is_live=is_live, verbosity=verbosity), Clock()
    progress, line = line_on(screen, clock)
    progress.add("mme", "scored", ACC, 1.0)
    clock.now += 100

    line.update()
    line.clear()

    assert screen.lines == []


def test_a_drawn_line_is_taken_away(no_ci: None) -> None:
    screen, clock = Screen(is_live=True), Clock()
    progress, line = line_on(screen, clock)
    progress.add("mme", "scored", ACC, 1.0)
    clock.now += 1
    line.update()

    line.clear()
    drawn = list(screen.lines)
    line.clear()

    assert drawn[-1] == "\r"
    assert screen.lines == drawn
