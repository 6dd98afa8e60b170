"""Weights & Biases: a run of a project, with figures, settings and files."""

from __future__ import annotations

import netrc
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pytest_evalkit.errors import OptionError
from pytest_evalkit.sinks.finished_run import FinishedRun
from pytest_evalkit.sinks.sink import defaults

_KEY = "WANDB_API_KEY"
_HOST = "https://api.wandb.ai"
_WAIT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WandbSink:
    """Sends to Weights & Biases, or writes what ``wandb sync`` sends later.

    Attributes:
        project: The project.
        entity: Team or user; None for the one of the account.
        name: What the run is called; None for model and time.
        mode: ``online`` or ``offline``; None for ``WANDB_MODE``, which is ``online``
            where it is not set.
        dir: Where wandb keeps its files; None for ``WANDB_DIR``, or here.
        files: Which files go along: ``results``, ``all`` or ``none``.
    """

    project: str = "pytest-evalkit"
    entity: str | None = None
    name: str | None = None
    mode: Literal["online", "offline"] | None = None
    dir: str | None = None
    files: Literal["results", "all", "none"] = "results"

    def check(self) -> None:
        """Refuse to run for nothing.

        Raises:
            OptionError: It is to be sent, and there is no key.
        """
        mode = self.mode or os.environ.get("WANDB_MODE", "online")
        if mode == "online" and not _has_key():
            raise OptionError(
                f"--sink wandb: {_KEY} is not set, and nobody is logged in by wandb "
                "login; mode=offline keeps the run for wandb sync"
            )

    def send(self, run: FinishedRun) -> str:
        """Send a run; its figures are the run's summary."""
        # It tells of its login before it reads settings.
        with defaults(WANDB_SILENT="true"):
            return self._send(run)

    def _send(self, run: FinishedRun) -> str:
        import wandb

        sent = wandb.init(
            project=self.project,
            entity=self.entity,
            name=self.name or run.name,
            mode=self.mode,
            dir=self.dir,
            config=run.settings(),
            job_type="evaluation",
            reinit="create_new",
            settings=wandb.Settings(
                silent=True, console="off", init_timeout=_WAIT_S, save_code=False
            ),
        )
        try:
            sent.summary.update(run.figures())
            files = run.files(self.files)
            if files:
                artifact = wandb.Artifact(f"results-{sent.id}", type="evaluation")
                for path in files:
                    artifact.add_file(str(path))
                sent.log_artifact(artifact)
            place = None if sent.offline else sent.url
            return place or f"kept for `wandb sync {Path(sent.dir).parent}`"
        finally:
            sent.finish()


def _has_key() -> bool:
    """Tell whether wandb finds a key: in its variable, or in the user's netrc."""
    if os.environ.get(_KEY):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", _HOST)).hostname
    try:
        known = netrc.netrc(os.environ.get("NETRC") or None)
    except (OSError, netrc.NetrcParseError):
        return False
    return host is not None and known.authenticators(host) is not None
