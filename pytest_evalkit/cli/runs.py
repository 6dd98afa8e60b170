"""Finding the runs that users name."""

from __future__ import annotations

from pathlib import Path

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.recorded import RecordedRun, open_run
from pytest_evalkit.results.schema import ResultsDict

_RESULTS = Path("results")


def run_path(name: str) -> Path:
    """Find a run: its folder, its results file, or ``last``.

    Raises:
        ResultsError: It is ``last``, and there is none under ``results/``.
    """
    return _last_run() if name == "last" else Path(name)


def read_run(name: str) -> tuple[RecordedRun, ResultsDict]:
    """Open a run, and read what it concluded.

    Args:
        name: A run folder, its results file, or ``last``; of ours, of lm-eval or of
            lmms-eval. A samples file stands for the results beside it.

    Raises:
        ResultsError: There is no such run, or its results cannot be read.
    """
    path = run_path(name)
    run = open_run(path)
    if run.results is None:
        raise ResultsError(
            f"{path} has samples without results; give a run folder, or a results file"
        )
    return run, run.results


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
