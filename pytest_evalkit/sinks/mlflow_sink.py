"""MLflow: a run of an experiment, with figures, settings and files."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.masking import masked_url
from pytest_evalkit.sinks.finished_run import FinishedRun, plain_text
from pytest_evalkit.sinks.sink import defaults

_T = TypeVar("_T")
_URI = "MLFLOW_TRACKING_URI"
_UNFIT = re.compile(r"[^\w\-. /]", re.ASCII)
# What every store takes, in one name or text, and in one request.
_LONGEST_NAME = 250
_LONGEST_TEXT = 500
_MOST_METRICS = 1000
_MOST_PARAMS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class MlflowSink:
    """Sends to an MLflow server or store.

    Attributes:
        experiment: Name of the experiment; it is made where there is none.
        tracking_uri: The server or store; None for ``MLFLOW_TRACKING_URI``.
        name: What the run is called; None for model and time.
        files: Which files go along: ``results``, ``all`` or ``none``.
    """

    experiment: str = "pytest-evalkit"
    tracking_uri: str | None = None
    name: str | None = None
    files: Literal["results", "all", "none"] = "results"

    def check(self) -> None:
        """Refuse to guess where to send to.

        Raises:
            OptionError: No server is named.
        """
        if self.tracking_uri is None and not os.environ.get(_URI):
            raise OptionError(
                "--sink mlflow does not know where to send to; set "
                f"{_URI}, or say --sink mlflow:tracking_uri=http://localhost:5000"
            )

    def send(self, run: FinishedRun) -> str:
        """Send a run; it ends as ``FINISHED``, or ``FAILED`` where it is not complete."""
        # Otherwise a server that is gone is waited for, for minutes.
        with defaults(
            MLFLOW_HTTP_REQUEST_MAX_RETRIES="2", MLFLOW_HTTP_REQUEST_TIMEOUT="20"
        ):
            return self._send(run)

    def _send(self, run: FinishedRun) -> str:
        from mlflow import MlflowClient

        uri = self.tracking_uri or os.environ[_URI]
        client = MlflowClient(tracking_uri=uri)
        known = client.get_experiment_by_name(self.experiment)
        experiment_id = (
            client.create_experiment(self.experiment)
            if known is None
            else known.experiment_id
        )
        started_ms = int(run.results["date"] * 1000)
        elapsed_ms = int(run.results["total_evaluation_time_seconds"] * 1000)
        sent = client.create_run(
            experiment_id, start_time=started_ms, run_name=self.name or run.name
        )
        run_id = sent.info.run_id
        _log(client, run_id, run, started_ms)
        for path in run.files(self.files):
            client.log_artifact(run_id, str(path))
        status = "FINISHED" if run.results["complete"] else "FAILED"
        client.set_terminated(run_id, status, started_ms + elapsed_ms)
        return f"run {run_id} of {self.experiment!r} at {masked_url(uri)}"


def _log(client: Any, run_id: str, run: FinishedRun, started_ms: int) -> None:
    """Send figures and settings, so many at a time as a request may hold."""
    from mlflow.entities import Metric, Param

    metrics = [
        Metric(name, value, started_ms, 0)
        for name, value in _fit(run.figures()).items()
    ]
    params = [
        Param(name, plain_text(value)[:_LONGEST_TEXT])
        for name, value in _fit(run.settings()).items()
    ]
    for start in range(0, len(metrics), _MOST_METRICS):
        client.log_batch(run_id, metrics[start : start + _MOST_METRICS])
    for start in range(0, len(params), _MOST_PARAMS):
        client.log_batch(run_id, params=params[start : start + _MOST_PARAMS])


def _fit(values: Mapping[str, _T]) -> dict[str, _T]:
    """Write names with the signs that MLflow takes; what would be one is numbered."""
    fitted: dict[str, _T] = {}
    for name, value in values.items():
        plain = _UNFIT.sub("_", name)[:_LONGEST_NAME]
        free, count = plain, 1
        while free in fitted:
            count += 1
            free = f"{plain}_{count}"
        fitted[free] = value
    return fitted
