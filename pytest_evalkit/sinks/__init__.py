"""Where results go besides the run's folder: MLflow, W&B, Trackio, OpenTelemetry.

Each sink is one module, whose client is imported when something is sent. Results are on
disk before, so that a sink that fails loses nothing.
"""

from __future__ import annotations

from pytest_evalkit.sinks.finished_run import FinishedRun, finished_run
from pytest_evalkit.sinks.sink import SINKS, NamedSink, Sink, parse_sink, send

__all__ = [
    "SINKS",
    "FinishedRun",
    "NamedSink",
    "Sink",
    "finished_run",
    "parse_sink",
    "send",
]
