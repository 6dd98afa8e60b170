"""``evalkit config``: the experiment file of a run that has been."""

from __future__ import annotations

import sys

from pytest_evalkit.cli.runs import run_path
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.experiment_text import experiment_text
from pytest_evalkit.results.read import read_results


def print_config(run: str) -> int:
    """Print the options of a run as an experiment file.

    Args:
        run: A run folder, its results, or ``last``.

    Returns:
        The exit status, 0.

    Raises:
        ResultsError: There is no such run, or another system has written it.
    """
    results = read_results(run_path(run))
    if "written_by" in results:
        raise ResultsError(
            f"{run} is of {results['written_by']}, whose options are others than ours"
        )
    sys.stdout.write(experiment_text(results["config"]["resolved_cli_args"]))
    return 0
