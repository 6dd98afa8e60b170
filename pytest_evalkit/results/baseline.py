"""What a run is held against: an earlier run, as far as gates look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.recorded import Answers, RecordedRun, open_run, read_answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a run is held against.

    Attributes:
        run: What it concluded, and where its samples are.
        kept: Its answers by task, where it has no samples files.
        floors: The worst value that is accepted, by task, metric and filter, whatever
            the baseline's own value.
    """

    run: RecordedRun
    kept: Mapping[str, Answers] = field(default_factory=dict)
    floors: Mapping[tuple[str, str, str], float] = field(default_factory=dict)

    def answers(self, task: str) -> Answers:
        """Give its answers to a task.

        Raises:
            ResultsError: It has none, or they cannot be read.
        """
        if task in self.kept:
            return self.kept[task]
        if task not in self.run.samples:
            raise ResultsError(f"the baseline {self.run.path} has no task {task!r}")
        return read_answers(self.run.samples[task])


def open_baseline(path: Path) -> Baseline:
    """Open what a run is held against.

    Args:
        path: A run folder or its ``results.json``.

    Raises:
        ResultsError: There is none, or it was broken off, so that it tells nothing.
    """
    run = open_run(path)
    if run.results is not None and not run.results["complete"]:
        raise ResultsError(
            f"the baseline {path} is of a run that is not complete; give one that is"
        )
    return Baseline(run=run)
