"""Taking what a run concludes to where a team looks."""

from __future__ import annotations

import os
from copy import deepcopy
from pathlib import Path

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.plugin.run import Run
from pytest_evalkit.reports.markdown import markdown_summary
from pytest_evalkit.reports.pages import write_report
from pytest_evalkit.results.folder import write_whole
from pytest_evalkit.results.schema import ResultsDict

_STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


def publish(run: Run, results: ResultsDict) -> None:
    """Write the page and the summaries, and hand the results to the user's hooks.

    Args:
        run: The run.
        results: What it concludes.

    Raises:
        ResultsError: A file cannot be written, or a hook raised.
    """
    write_report(run.folder, results)
    _summarise(run, results)
    try:
        run.config.hook.pytest_evalkit_results(
            results=deepcopy(results), config=run.config
        )
    # A user's hook may raise anything, and the results are to stand.
    except Exception as error:
        raise ResultsError(
            f"a hook pytest_evalkit_results raised {type(error).__name__}: {error}"
        ) from error


def _summarise(run: Run, results: ResultsDict) -> None:
    """Write the Markdown summary where it was asked for."""
    asked, step = run.options.report_md, os.environ.get(_STEP_SUMMARY)
    if asked is None and not step:
        return
    summary = (markdown_summary(results) + "\n").encode("utf-8", "replace")
    if asked is not None:
        write_whole(asked, [summary])
    if step:
        _append(Path(step), summary)


def _append(path: Path, summary: bytes) -> None:
    """Add to a file in which earlier steps may have written."""
    try:
        with path.open("ab") as file:
            file.write(summary + b"\n")
    except OSError as error:
        raise ResultsError(
            f"cannot write {path}, which {_STEP_SUMMARY} names: {error.strerror}"
        ) from error
