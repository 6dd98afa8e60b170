"""``evalkit report``: the page of a run again, or of two runs beside each other."""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_evalkit.cli.compare import Tasks
from pytest_evalkit.cli.runs import read_run
from pytest_evalkit.reports import OtherRun
from pytest_evalkit.reports.html import PageRun
from pytest_evalkit.reports.pages import write_page
from pytest_evalkit.results.comparison import compare_runs
from pytest_evalkit.results.latency_comparison import with_latency
from pytest_evalkit.results.matching import sample_sources

_COMPARISON = Path("comparison.html")


def report(run: str, other: str | None, output: Path | None) -> int:
    """Write a page and say where it is.

    Args:
        run: A run folder, its results file, or ``last``.
        other: A second run to compare with the first, named alike; None for none.
        output: The file; None for ``report.html`` in the run's folder, and for
            ``comparison.html`` here of two runs.

    Returns:
        The exit status, 0.

    Raises:
        ResultsError: A run cannot be read, the two have no document in common, or the
            page cannot be written.
    """
    first, results = read_run(run)
    folder = first.folder
    if other is None:
        path = folder.report_path if output is None else output
        write_page(path, folder, PageRun(results=results, samples=first.all_samples()))
    else:
        path = _COMPARISON if output is None else output
        second, others = read_run(other)
        find = Tasks(include_paths=()).find
        # What speaks against comparing them is shown.
        (tested,) = with_latency(compare_runs([first, second], find, is_forced=True))
        one, another = sample_sources(first, second)
        beside = PageRun(results=others, samples=another)
        write_page(
            path,
            folder,
            PageRun(results=results, samples=one),
            OtherRun(run=beside, tested=tested),
        )
    sys.stdout.write(f"{path}\n")
    return 0
