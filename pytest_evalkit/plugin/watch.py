"""Watching a run: documents counted as they end, shown on a terminal."""

from __future__ import annotations

import time

import pytest

from pytest_evalkit.evaluate import DocumentOutcome
from pytest_evalkit.plugin.progress import Progress, ProgressLine
from pytest_evalkit.plugin.wire import read_report


class Watch:
    """Counts documents, and shows the count on a terminal, if there is one.

    Args:
        config: pytest's configuration.

    Attributes:
        progress: How far the run is.
        failed_turns: Turns that were reported as failed beside their conversations.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.progress = Progress(time.monotonic)
        self.failed_turns = 0
        self._line: ProgressLine | None = None

    def begin(self, total: int) -> None:
        """Tell how many documents there are."""
        self.progress.begin(total)
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        if terminal is not None and self._line is None:
            self._line = ProgressLine(terminal, self.progress, time.monotonic)

    def count(self, outcome: DocumentOutcome) -> None:
        """Count a document that ended in this process."""
        metric, score = outcome.primary or (None, None)
        self.progress.add(
            outcome.task,
            outcome.status,
            metric,
            score,
            is_resumed=outcome.is_resumed,
        )
        self.show()

    def count_report(self, report: pytest.TestReport) -> None:
        """Count a document that ended in a worker."""
        said = read_report(report)
        if said is not None:
            self.progress.add(
                said["task"],
                said["status"],
                said["metric"],
                said["score"],
                is_resumed=said["resumed"],
            )
            self.show()

    @property
    def tolerable(self) -> tuple[int, int]:
        """How many documents are in error, and how many reports failed for that."""
        errors = self.progress.errors
        return errors, errors + self.failed_turns

    def show(self) -> None:
        """Draw the state, if it is time to."""
        if self._line is not None:
            self._line.update()

    def end(self) -> None:
        """Leave the terminal to others."""
        if self._line is not None:
            self._line.clear()
