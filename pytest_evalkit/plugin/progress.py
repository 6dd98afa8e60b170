"""How far a run is: counted as documents end, shown on one line of a terminal."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

# Often enough to look alive, seldom enough to cost nothing.
_REDRAW_S = 0.1
_PLAIN_LINE_S = 10.0


@dataclass(slots=True)
class RunningMean:
    """Mean and standard error of values seen one by one (Welford 1962)."""

    n: int = 0
    mean: float = 0.0
    _squares: float = 0.0

    def add(self, value: float) -> None:
        """Take one value in."""
        self.n += 1
        delta = value - self.mean
        self.mean += delta / self.n
        self._squares += delta * (value - self.mean)

    @property
    def stderr(self) -> float | None:
        """Standard error of the mean; None of fewer than two values."""
        if self.n < 2:  # noqa: PLR2004 - one value does not vary
            return None
        return math.sqrt(self._squares / (self.n - 1) / self.n)


class Progress:
    """Counts what has ended.

    Args:
        clock: Seconds, such as ``time.monotonic``.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started: float | None = None
        self.total = 0
        self.done = 0
        self.errors = 0
        self.resumed = 0
        self._task = ""
        self._means: dict[tuple[str, str], RunningMean] = {}
        self._primary: dict[str, str] = {}

    def begin(self, total: int) -> None:
        """Tell how many documents there are."""
        self.total = total
        if self._started is None:
            self._started = self._clock()

    def add(
        self,
        task: str,
        status: str,
        metric: str | None,
        score: float | None,
        *,
        is_resumed: bool = False,
    ) -> None:
        """Count one document.

        Args:
            task: Its task.
            status: How it ended.
            metric: Name of its primary metric, or None.
            score: Value of it, or None.
            is_resumed: True where it was taken from an earlier session of the run.
        """
        self.done += 1
        self.resumed += is_resumed
        self.errors += status == "error"
        self._task = task
        if metric is not None and score is not None:
            primary = self._primary.setdefault(task, metric)
            if primary == metric:
                mean = self._means.get((task, metric))
                if mean is None:
                    mean = self._means[task, metric] = RunningMean()
                mean.add(score)

    def line(self) -> str:
        """Write the state as one line."""
        parts = [f"{self._task} {self.done:,}/{self.total:,}".strip()]
        parts.extend(self._score_parts())
        elapsed = self._clock() - (self._started or self._clock())
        run = self.done - self.resumed
        if self.resumed:
            parts.append(f"{self.resumed:,} resumed")
        if elapsed > 0 and run:
            rate = run / elapsed
            parts.append(f"{rate:.1f} docs/s" if rate < 100 else f"{rate:,.0f} docs/s")  # noqa: PLR2004 - three digits are enough
        if self.errors:
            parts.append(f"{self.errors} error{'s' * (self.errors > 1)}")
        if run and self.done < self.total and elapsed > 1:
            # Those taken took no time; most of them come before those that are run.
            parts.append(f"{_span(elapsed / run * (self.total - self.done))} left")
        return "  ".join(parts)

    def _score_parts(self) -> list[str]:
        metric = self._primary.get(self._task)
        if metric is None:
            return []
        mean = self._means[self._task, metric]
        error = "" if mean.stderr is None else f" ± {mean.stderr:.3f}"
        return [f"{metric.split(',')[0]} {mean.mean:.3f}{error}"]


def _span(seconds: float) -> str:
    if seconds < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


class ProgressLine:
    """Shows a run's progress on pytest's terminal.

    On a terminal one line is redrawn; elsewhere, and under CI, whole lines are written
    now and then, for a log has no use for redrawing.

    Args:
        terminal: pytest's terminal reporter.
        progress: What to show.
        clock: Seconds, such as ``time.monotonic``.
    """

    def __init__(
        self, terminal: Any, progress: Progress, clock: Callable[[], float]
    ) -> None:
        self._terminal = terminal
        self._progress = progress
        self._clock = clock
        self._is_live = terminal.isatty() and not os.environ.get("CI")
        self._is_quiet = terminal.verbosity < 0
        self._is_verbose = terminal.verbosity > 0
        self._interval = _REDRAW_S if self._is_live else _PLAIN_LINE_S
        self._shown = clock()
        self._is_drawn = False

    def update(self) -> None:
        """Redraw, if it is time to."""
        if self._is_quiet or (self._is_verbose and self._is_live):
            return
        now = self._clock()
        if now - self._shown < self._interval:
            return
        self._shown = now
        if not self._is_live:
            self._terminal.write_line(self._progress.line())
            return
        line = self._fitting(self._progress.line())
        self._terminal.rewrite(line, erase=True)
        # Erasing leaves the cursor at the margin, where an echoed ^C would wrap.
        self._terminal.rewrite(line)
        self._is_drawn = True

    def clear(self) -> None:
        """Take the line away, so that others can write."""
        if self._is_drawn:
            self._terminal.rewrite("", erase=True)
            self._terminal.rewrite("")
            self._is_drawn = False

    def _fitting(self, line: str) -> str:
        width: int = self._terminal._tw.fullwidth  # noqa: SLF001 - has no public name
        return line[: width - 1]


def is_document(report: pytest.TestReport) -> bool:
    """Tell whether a report is a document's."""
    return hasattr(report, "evalkit")
