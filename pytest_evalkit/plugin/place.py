"""Where a process stands: which worker it is, and which folder the run has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pytest_evalkit.plugin.options import RunOptions
from pytest_evalkit.results.folder import RunFolder, plan_run_folder

_FOLDER_KEY: pytest.StashKey[RunFolder] = pytest.StashKey()

# Where a model comes from a fixture, the command line has no name for the folder.
_FIXTURE_MODEL = "fixture"


class Share(NamedTuple):
    """One part of several: ``number`` counts from zero."""

    number: int
    of: int


def worker_input(config: pytest.Config) -> Mapping[str, Any]:
    """Get what the xdist controller told this worker; empty elsewhere."""
    given: Mapping[str, Any] = getattr(config, "workerinput", {})
    return given


def run_folder(
    config: pytest.Config, options: RunOptions, model_name: str | None
) -> RunFolder:
    """Get the folder of the run, chosen once and told to every worker.

    Args:
        config: pytest's configuration.
        options: What the user asked for.
        model_name: Name of the model, or None where a fixture gives it.
    """
    folder = config.stash.get(_FOLDER_KEY, None)
    if folder is None:
        given = worker_input(config).get("evalkit_folder")
        folder = config.stash[_FOLDER_KEY] = (
            plan_run_folder(
                options.output_path,
                model_name or _FIXTURE_MODEL,
                datetime.now().astimezone(),
            )
            if given is None
            else RunFolder(Path(given))
        )
    return folder
