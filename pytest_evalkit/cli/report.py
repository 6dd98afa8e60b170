"""``evalkit report``: the page of a run again, or of two runs beside each other."""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_evalkit.cli.runs import read_run
from pytest_evalkit.reports.pages import page_run, write_page

_COMPARISON = Path("comparison.html")


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
        ResultsError: A run cannot be read, or the page not written.
    """
    folder, results = read_run(run)
    first = page_run(folder, results)
    if other is None:
        path = folder.report_path if output is None else output
        write_page(path, folder, first)
    else:
        path = _COMPARISON if output is None else output
        write_page(path, folder, first, page_run(*read_run(other)))
    sys.stdout.write(f"{path}\n")
    return 0
