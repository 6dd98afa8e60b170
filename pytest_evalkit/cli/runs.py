"""Finding the runs that users name."""

from __future__ import annotations

from pathlib import Path

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.read import read_results, results_file
from pytest_evalkit.results.schema import ResultsDict

_RESULTS = Path("results")


def run_path(name: str) -> Path:
    """Find a run: its folder, its ``results.json``, or ``last``.

    Raises:
        ResultsError: It is ``last``, and there is none under ``results/``.
    """
    return _last_run() if name == "last" else Path(name)


def read_run(name: str) -> tuple[RunFolder, ResultsDict]:
    """Read what a run concluded, and say where it is.

    Raises:
        ResultsError: There is no such run, or its results cannot be read.
    """
    path = run_path(name)
    return RunFolder(results_file(path).parent), read_results(path)


def _last_run() -> Path:
    """Find the run under ``results/`` that was concluded last."""
    files = sorted(
        _RESULTS.glob("**/results.json"), key=lambda file: file.stat().st_mtime_ns
    )
    if not files:
        raise ResultsError(
            f"there is no run under {_RESULTS}/; name a run folder instead of 'last'"
        )
    return files[-1]
