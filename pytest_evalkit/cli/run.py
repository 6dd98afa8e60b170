"""``evalkit run``: the runs of an experiment file, one after the other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_evalkit.results.experiment import count_experiments

_INTERRUPTED = 2
_MEANINGS = {
    0: "passed",
    1: "failed",
    2: "interrupted",
    3: "internal error",
    4: "wrong usage",
    5: "nothing collected",
}


def run_experiments(path: Path, arguments: Sequence[str]) -> int:
    """Run every experiment of a file by a pytest of its own.

    Each has its own environment and its own packages in memory; an interrupted one ends
    them all, any other leaves the next ones to run.

    Args:
        path: The file.
        arguments: Further arguments of pytest, which win over the file's.

    Returns:
        The exit status of the first that did not pass, else 0.

    Raises:
        OptionError: The file cannot be read, or is no experiment.
    """
    references = [f"{path}::{n + 1}" for n in range(count_experiments(path))]
    statuses: dict[str, int] = {}
    for reference in references:
        statuses[reference] = _run(reference, arguments)
        if statuses[reference] == _INTERRUPTED:
            break
    if len(references) > 1:
        _tell(references, statuses)
    return next((status for status in statuses.values() if status), 0)


def _run(reference: str, arguments: Sequence[str]) -> int:
    command = [sys.executable, "-m", "pytest", f"--eval-config={reference}"]
    command += arguments
    with subprocess.Popen(command) as process:  # noqa: S603 (our own interpreter)
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # It got the signal as well, and has results to write.
                continue


def _tell(references: Sequence[str], statuses: dict[str, int]) -> None:
    width = max(map(len, references))
    for reference in references:
        status = statuses.get(reference)
        said = "not run" if status is None else _meaning(status)
        sys.stdout.write(f"{reference:<{width}}  {said}\n")


def _meaning(status: int) -> str:
    return f"{_MEANINGS.get(status, 'ended')} (exit status {status})"
