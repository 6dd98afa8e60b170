"""Trackio: a run of a project, kept locally or in a Space of the Hugging Face hub."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from dataclasses import dataclass

from pytest_evalkit.sinks.finished_run import FinishedRun


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackioSink:
    """Sends to Trackio, whose local store is where ``TRACKIO_DIR`` says.

    Attributes:
        project: The project.
        name: What the run is called; None for model and time.
        space_id: A Space such as ``org/evals``; None to keep the run locally.
    """

    project: str = "pytest-evalkit"
    name: str | None = None
    space_id: str | None = None

    def check(self) -> None:
        """Accept what there is: nothing has to be set for the local store."""

    def send(self, run: FinishedRun) -> str:
        """Send a run; its figures are one step of it."""
        import trackio

        name = self.name or run.name
        # It prints how to look at what it keeps.
        with redirect_stdout(io.StringIO()):
            trackio.init(
                project=self.project,
                name=name,
                space_id=self.space_id,
                config=run.settings(),
                resume="never",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )
            trackio.log(run.figures())
            trackio.finish()
        place = self.space_id or f"`trackio show --project {self.project}`"
        return f"run {name} of {self.project!r}: {place}"
