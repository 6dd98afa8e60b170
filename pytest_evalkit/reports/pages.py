"""The page of a run, written into its folder or elsewhere."""

from __future__ import annotations

from pathlib import Path

from pytest_evalkit.reports.html import OtherRun, PageRun, render_html
from pytest_evalkit.results.folder import RunFolder, write_whole
from pytest_evalkit.results.media import MediaShelf
from pytest_evalkit.results.read import run_samples
from pytest_evalkit.results.schema import ResultsDict


def page_run(folder: RunFolder, results: ResultsDict) -> PageRun:
    """Take a run from its folder; its samples are read as they are asked for."""
    return PageRun(results=results, samples=run_samples(folder, results))


def write_report(folder: RunFolder, results: ResultsDict) -> None:
    """Write the page of a run into its folder.

    Raises:
        ResultsError: Its samples or pictures cannot be read, or the page not written.
    """
    write_page(folder.report_path, folder, page_run(folder, results))


def write_page(
    path: Path, folder: RunFolder, run: PageRun, other: OtherRun | None = None
) -> None:
    """Write the page of a run, or of two.

    Args:
        path: The file.
        folder: Of the first run, which has the pictures.
        run: The first run.
        other: The second, or None.

    Raises:
        ResultsError: Samples or pictures cannot be read, or the page not written.
    """
    write_whole(path, render_html(run, other, MediaShelf(folder.media_dir)))
