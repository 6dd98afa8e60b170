"""The end of pytest's output: the score table, the gates, what was written where."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pytest_evalkit.plugin.concluding import Conclusion
from pytest_evalkit.reports.load import load_lines, load_warnings
from pytest_evalkit.reports.terminal import (
    baseline_lines,
    budget_lines,
    cache_lines,
    gate_lines,
    results_table,
    resumed_lines,
)
from pytest_evalkit.results.schema import ResultsDict

_MARKUP = {
    "pass": {"green": True},
    "fail": {"red": True},
    "inconclusive": {"yellow": True},
}


def write_summary(
    terminal: Any, conclusion: Conclusion, notes: Iterable[str] = ()
) -> None:
    """Show what a run concludes.

    Args:
        terminal: pytest's terminal reporter.
        conclusion: What to show.
        notes: What else the user should know of the figures, a line each.
    """
    terminal.write_sep("=", "evaluation")
    if conclusion.results is not None:
        _write_results(terminal, conclusion.results)
    for note in notes:
        terminal.write_line(note, yellow=True)
    if conclusion.problem is not None:
        terminal.write_line(f"ERROR: {conclusion.problem}", red=True)
    _write_places(terminal, conclusion)


def _write_places(terminal: Any, conclusion: Conclusion) -> None:
    """Say where results are, and where they are not."""
    for label, path in _written(conclusion):
        terminal.write_line(f"{label:<8} {_short(path)}")
    for line in conclusion.sent:
        terminal.write_line(line)
    for line in conclusion.unsent:
        terminal.write_line(line, yellow=True)


def _write_results(terminal: Any, results: ResultsDict) -> None:
    """Show the figures, what they rest on, and the gates."""
    width = terminal._tw.fullwidth  # noqa: SLF001 - the width has no public name
    terminal.write_line(results_table(results, width, color=terminal.hasmarkup))
    for text in budget_lines(results):
        terminal.write_line(text, yellow=True)
    for text in (
        *cache_lines(results),
        *resumed_lines(results),
        *load_lines(results),
    ):
        terminal.write_line(text)
    for text in load_warnings(results):
        terminal.write_line(text, yellow=True)
    for gate, line in zip(results["gates"], gate_lines(results), strict=True):
        terminal.write_line(line, **_MARKUP[gate["verdict"]])
    for text in baseline_lines(results):
        terminal.write_line(text, yellow=True)
    if not results["complete"]:
        terminal.write_line(
            "the run is not complete: the figures rest on a part of its documents",
            yellow=True,
        )


def _written(conclusion: Conclusion) -> list[tuple[str, Path]]:
    folder = conclusion.folder
    paths = [("results", folder.results_path), ("report", folder.report_path)]
    return [(label, path) for label, path in paths if path.exists()]


def _short(path: Path) -> str:
    """Name a file as the user would from where pytest was started."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
