"""``evalkit send``: a run that has been, to a tracker of experiments."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pytest_evalkit.cli.runs import read_run
from pytest_evalkit.sinks import finished_run, parse_sink, send


def send_run(run: str, sinks: Sequence[str]) -> int:
    """Send a run to sinks, and say where it is.

    Args:
        run: A run folder, its results file, or ``last``; of ours or of others.
        sinks: The sinks, as pytest's ``--sink`` names them.

    Returns:
        The exit status, 0.

    Raises:
        OptionError: A sink cannot work.
        ResultsError: The run cannot be read.
        SinkError: A sink did not take it.
    """
    named = [parse_sink(text) for text in sinks]
    recorded, results = read_run(run)
    finished = finished_run(recorded, results)
    for sink in named:
        sys.stdout.write(f"{sink.name:<8} {send(sink, finished)}\n")
    return 0
