"""``evalkit compare``: what differs between runs, and how surely."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_evalkit.cli.recorded_tasks import RecordedTasks
from pytest_evalkit.cli.show import can_write
from pytest_evalkit.codec import encode_pretty
from pytest_evalkit.errors import EvalkitError, OptionError
from pytest_evalkit.reports.compared import comparison_markdown, comparison_text
from pytest_evalkit.results.comparison import compare_runs
from pytest_evalkit.results.comparison_dict import comparison_dict
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.latency_comparison import with_latency
from pytest_evalkit.results.recorded import RecordedRun, open_run
from pytest_evalkit.results.sources import read_source
from pytest_evalkit.scoring import MetricSpec
from pytest_evalkit.scoring.aggregations import AGGREGATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    """How runs are to be compared.

    Attributes:
        runs: Run folders, results or samples files; two at least.
        form: ``text``, ``markdown`` or ``json``.
        is_forced: Whether to compare although documents or tasks are not the same.
        flips: Documents to show of each metric.
        include_paths: Folders to look for tasks in.
    """

    runs: Sequence[Path]
    form: str
    is_forced: bool
    flips: int
    include_paths: Sequence[Path]


def compare(options: CompareOptions) -> int:
    """Compare each run with the first, and print what differs.

    Returns:
        The exit status, 0: to judge a difference is for gates.

    Raises:
        OptionError: There are not two runs.
        ResultsError: A run cannot be read, or runs cannot be compared.
    """
    if len(options.runs) < len(("first", "second")):
        raise OptionError("compare takes two runs or more: evalkit compare A B")
    runs = [open_run(path) for path in options.runs]
    tasks = Tasks(include_paths=options.include_paths)
    found = compare_runs(runs, tasks.find, is_forced=options.is_forced)
    found = with_latency(found, is_forced=options.is_forced)
    if options.form == "json":
        sys.stdout.write(encode_pretty(comparison_dict(found)).decode())
        return 0
    if options.form == "markdown":
        text = comparison_markdown(found, options.flips)
    else:
        ascii_only = not can_write(sys.stdout, "↑↓Δ─…→")
        text = comparison_text(found, options.flips, ascii_only=ascii_only)
    sys.stdout.write(f"{text}\n")
    return 0


@dataclass(slots=True, kw_only=True)
class Tasks:
    """Finds how metrics aggregate: by a built-in's name, else in the task's file.

    Attributes:
        include_paths: Folders to look for tasks in whose files have moved.
    """

    include_paths: Sequence[Path]
    _loaded: dict[tuple[Path, str], Mapping[str, MetricSpec] | str] = field(
        default_factory=dict
    )

    def find(self, run: RecordedRun, task: str, metric: str) -> MetricSpec | str:
        """Find a metric, or say why it is not found.

        Args:
            run: The run.
            task: The task.
            metric: The metric.
        """
        named = _named(run, task, metric)
        if named is not None:
            return named
        key = (run.path, task)
        if key not in self._loaded:
            self._loaded[key] = self._metrics(run, task)
        found = self._loaded[key]
        if isinstance(found, str):
            return found
        return found.get(metric, f"the task {task!r} does not list it")

    def _metrics(self, run: RecordedRun, task: str) -> Mapping[str, MetricSpec] | str:
        """Load the metrics of a task, as the run had them."""
        if run.written_by is not None:
            return f"its aggregation is Python, which files of {run.written_by} lack"
        folder = RunFolder(run.path)
        if run.results is None or not folder.journal_dir.is_dir():
            return "how it is aggregated is not known without the folder of the run"
        try:
            source = read_source(run.path)
            having = [part for part in source.parts if task in part.selections]
            if not having:
                return f"the journals of {run.path} do not tell of task {task!r}"
            part = having[0]
            loader = RecordedTasks(
                part.said,
                source.record.groups.values(),
                run.results["configs"],
                self.include_paths,
            )
            plan = loader.facts(folder, part.selections[task][0]).plan
        # The other metrics can be compared all the same.
        except EvalkitError as error:
            return str(error)
        return {spec.name: spec for spec in plan.metrics}


def _named(run: RecordedRun, task: str, metric: str) -> MetricSpec | None:
    """Look a metric's aggregation up by the name that the task's settings have."""
    config: Mapping[str, Any] = {}
    if run.results is not None:
        config = run.results["configs"].get(task, {})
    for entry in config.get("metric_list") or ():
        name = entry.get("aggregation")
        if entry.get("metric") == metric and name in AGGREGATIONS:
            return MetricSpec(
                name=metric,
                function=None,
                aggregation=AGGREGATIONS[name],
                aggregation_name=name,
                higher_is_better=None,
            )
    return None
