"""What a sink is given: a run that is on disk, and its figures by flat names."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_evalkit.codec import encode
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.load_gate_figures import load_figures_of
from pytest_evalkit.results.read import results_file
from pytest_evalkit.results.recorded import RecordedRun
from pytest_evalkit.results.schema import AggregateDict, ResultsDict
from pytest_evalkit.results.sources import run_name
from pytest_evalkit.results.their_files import samples_beside

# The filter of tasks that name none; it is left out of names.
_NO_FILTER = "none"
_ABOUT = ("model_name", "git_hash", "date", "complete")


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """A run that has been concluded.

    Attributes:
        name: What it is called: model and time.
        results: What it concludes; secrets are masked.
        results_path: Where that stands.
        further_paths: Its samples files and its page, which hold prompts and answers.
        samples: Reads its samples, task by task, in document order.
    """

    name: str
    results: ResultsDict
    results_path: Path
    further_paths: tuple[Path, ...]
    samples: Callable[[], Iterable[SampleDict]]

    def files(self, which: str) -> list[Path]:
        """List the files to send along.

        Args:
            which: ``results``, ``all`` or ``none``.
        """
        chosen = {
            "none": (),
            "results": (self.results_path,),
            "all": (self.results_path, *self.further_paths),
        }[which]
        return [path for path in chosen if path.is_file()]

    def figures(self) -> dict[str, float]:
        """Write all that is a number under flat names.

        ``TASK/METRIC`` or ``TASK/METRIC/FILTER`` is a value; below it stand ``stderr``,
        ``ci95_low``, ``ci95_high``, ``n`` and figures of repeats. What is known of the
        load has the names that gates use, below ``load/``. What has no value is left out.
        """
        figures: dict[str, float] = {}
        for task, rows in self.results["aggregates"].items():
            for row in rows:
                figures.update(_figures_of(task, row))
        for task, coverage in self.results["coverage"].items():
            figures[f"{task}/documents"] = coverage["selected"]
            figures[f"{task}/documents_scored"] = coverage["scored"]
            figures[f"{task}/documents_in_error"] = coverage["errors"]
        for verdict in ("pass", "fail", "inconclusive"):
            verdicts = [gate["verdict"] for gate in self.results["gates"]]
            figures[f"run/gates_{verdict}"] = verdicts.count(verdict)
        figures["run/seconds"] = self.results["total_evaluation_time_seconds"]
        for group in ("usage", "throughput", "latency"):
            figures.update(_numbers(f"run/{group}", self.results[group]))
        for name, figure in load_figures_of(self.results.get("load") or {}).items():
            if figure.value is not None:
                figures[f"load/{name}"] = figure.value
        return figures

    def settings(self) -> dict[str, Any]:
        """Write what the run was: its options as they were given, and versions."""
        options = self.results["config"].get("resolved_cli_args", {})
        told = {key: self.results[key] for key in _ABOUT}  # type: ignore[literal-required]
        versions = {f"version/{k}": v for k, v in self.results["versions"].items()}
        given = {f"option/{k}": v for k, v in options.items()}
        return {
            name: value
            for name, value in {**told, **versions, **given}.items()
            if value not in (None, "", [], {})
        }


def finished_run(run: RecordedRun, results: ResultsDict) -> FinishedRun:
    """Take a run from where it is, ours or of another system.

    Args:
        run: The run.
        results: What it concludes.
    """
    path = results_file(run.path)
    samples = samples_beside(path).values() or run.folder.root.glob("samples_*.jsonl")
    return FinishedRun(
        name=run_name(run.folder.root),
        results=results,
        results_path=path,
        further_paths=(run.folder.report_path, *sorted(samples)),
        samples=run.all_samples,
    )


def plain_text(value: Any) -> str:
    """Write a setting as text: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else encode(value).decode()


def _figures_of(task: str, row: AggregateDict) -> Iterator[tuple[str, float]]:
    if row["value"] is None:
        return
    name = f"{task}/{row['metric']}"
    if row["filter"] != _NO_FILTER:
        name += f"/{row['filter']}"
    stderr = row.get("stderr_clustered", row["stderr"])
    yield name, row["value"]
    yield f"{name}/n", row["n"]
    if stderr is not None:
        yield f"{name}/stderr", stderr
    if row["ci95"] is not None:
        yield f"{name}/ci95_low", row["ci95"][0]
        yield f"{name}/ci95_high", row["ci95"][1]
    for figure in row.get("repeats", ()):
        yield f"{name}/{figure['figure']}", figure["value"]


def _numbers(prefix: str, values: Any) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and math.isfinite(value):
            yield f"{prefix}/{name}", value
