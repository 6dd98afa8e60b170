"""``evalkit report``: the page of a run again, or of two runs beside each other."""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_evalkit.cli.compare import Tasks
from pytest_evalkit.cli.runs import read_run, run_path
from pytest_evalkit.reports import OtherRun
from pytest_evalkit.reports.pages import page_run, write_page
from pytest_evalkit.results.comparison import compare_runs
from pytest_evalkit.results.recorded import open_run

_COMPARISON = Path("comparison.html")


def _other(run: str, other: str) -> OtherRun:
    """Read the second run, and test what differs; what speaks against it is shown."""
    runs = [open_run(run_path(name)) for name in (run, other)]
    (tested,) = compare_runs(runs, Tasks(include_paths=()).find, is_forced=True)
    return OtherRun(run=page_run(*read_run(other)), tested=tested)


def report(run: str, other: str | None, output: Path | None) -> int:
    """Write a page and say where it is.

    Args:
        run: A run folder, its ``results.json``, or ``last``.
        other: A second run to compare with the first, named alike; None for none.
        output: The file; None for ``report.html`` in the run's folder, and for
            ``comparison.html`` here of two runs.

    Returns:
        The exit status, 0.

    Raises:
        ResultsError: A run cannot be read, the two have no document in common, or the
            page cannot be written.
    """
    folder, results = read_run(run)
    first = page_run(folder, results)
    if other is None:
        path = folder.report_path if output is None else output
        write_page(path, folder, first)
    else:
        path = _COMPARISON if output is None else output
        write_page(path, folder, first, _other(run, other))
    sys.stdout.write(f"{path}\n")
    return 0
