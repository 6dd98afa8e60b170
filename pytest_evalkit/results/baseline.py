"""What a run is held against: an earlier run, as far as gates look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.baseline_file import (
    answers_of,
    figures_of,
    is_baseline_file,
    prompts_hash,
    read_baseline_file,
    run_of,
    shortened,
)
from pytest_evalkit.results.recorded import Answers, RecordedRun, open_run, read_answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a run is held against.

    Attributes:
        run: What it concluded, and where its samples are.
        kept: Its answers by task, where it has no samples files.
        floors: The worst value that is accepted, by task, metric and filter, whatever
            the baseline's own value.
        prompts: A hash of all that was asked, by task, where answers are kept.
    """

    run: RecordedRun
    kept: Mapping[str, Answers] = field(default_factory=dict)
    floors: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)

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

    def beside(self, task: str, answers: Answers) -> tuple[Answers, list[str]]:
        """Bring a run's answers into the form of its own, to be matched.

        Args:
            task: The task.
            answers: The run's answers to it.

        Returns:
            The answers, and what differs that only this form can tell, a line each.
        """
        if task not in self.kept:
            return answers, []
        is_other = prompts_hash(answers) != self.prompts[task]
        return shortened(answers), [
            "documents were asked otherwise"
        ] if is_other else []


def open_baseline(path: Path) -> Baseline:
    """Open what a run is held against.

    Args:
        path: A run folder, its ``results.json``, or a baseline file.

    Raises:
        ResultsError: There is none, it is damaged, or it was broken off, so that it
            tells nothing.
    """
    if is_baseline_file(path):
        return _kept(path)
    run = open_run(path)
    if run.results is not None and not run.results["complete"]:
        raise ResultsError(
            f"the baseline {path} is of a run that is not complete; give one that is"
        )
    return Baseline(run=run)


def _kept(path: Path) -> Baseline:
    read = read_baseline_file(path)
    floors = {
        (name, metric, pipeline): figure["floor"]
        for name, task in read["tasks"].items()
        for metric, pipeline, figure in figures_of(task)
        if figure["floor"] is not None
    }
    return Baseline(
        run=run_of(path, read),
        kept={name: answers_of(task) for name, task in read["tasks"].items()},
        floors=floors,
        prompts={name: task["prompts"] for name, task in read["tasks"].items()},
    )
