"""Sending what a run concludes to the sinks that the user named."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_evalkit.errors import SinkError
from pytest_evalkit.plugin.run import Run
from pytest_evalkit.plugin.secrecy import secrets_of
from pytest_evalkit.results.recorded import open_run
from pytest_evalkit.results.schema import ResultsDict
from pytest_evalkit.sinks import finished_run, parse_sink, send


def check_sinks(given: Iterable[str]) -> None:
    """Look at sinks before anything is asked.

    Args:
        given: As the command line names them.

    Raises:
        OptionError: One cannot work.
    """
    for text in given:
        parse_sink(text)


def send_results(run: Run, results: ResultsDict) -> tuple[list[str], list[str]]:
    """Send a run to its sinks, after its files are written.

    Args:
        run: The run.
        results: What it concludes.

    Returns:
        Where it is now, a line for each sink; and why it is not, for each that failed.
    """
    sent, failed = [], []
    secrets = secrets_of(run.config)
    finished = finished_run(open_run(run.folder.results_path), results)
    for text in run.options.sinks:
        sink = parse_sink(text)
        try:
            place = send(sink, finished)
            sent.append(f"{sink.name:<8} {secrets.text(place)}")
        except SinkError as error:
            again = f"; evalkit send {run.folder.root} --sink {sink.name} tries again"
            failed.append(f"warning: {secrets.text(str(error))}{again}")
    return sent, failed
