"""Where a process stands: which worker it is, and which folder the run has."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pytest_evalkit.plugin.run_options import RunOptions

if TYPE_CHECKING:
    from pytest_evalkit.results.folder import RunFolder

_FOLDER_KEY: pytest.StashKey[RunFolder] = pytest.StashKey()
_START_KEY: pytest.StashKey[RunStart] = pytest.StashKey()
_SESSION_KEY: pytest.StashKey[int] = pytest.StashKey()
_RESUME_KEY: pytest.StashKey[list[str]] = pytest.StashKey()

# What a worker tells the controller under this key is shown in the summary.
NOTES_KEY = "evalkit_notes"
# What went wrong where a worker ended fails the run.
PROBLEM_KEY = "evalkit_problem"

# Where a model comes from a fixture, the command line has no name for the folder.
_FIXTURE_MODEL = "fixture"


class Share(NamedTuple):
    """One part of several: ``number`` counts from zero; from ``of`` on, nothing."""

    number: int
    of: int

    def among(self, most: int) -> Share:
        """Give the share where no more than so many have anything to do."""
        return Share(self.number, min(self.of, most))


class RunStart(NamedTuple):
    """When a run started: seconds of the monotonic clock, and since 1970 (UTC)."""

    monotonic: float
    date: float


def worker_input(config: pytest.Config) -> Mapping[str, Any]:
    """Get what the xdist controller told this worker; empty elsewhere."""
    given: Mapping[str, Any] = getattr(config, "workerinput", {})
    return given


def is_worker(config: pytest.Config) -> bool:
    """Tell whether this process is an xdist worker."""
    return hasattr(config, "workerinput")


def is_controller(config: pytest.Config) -> bool:
    """Tell whether this process hands work to xdist workers."""
    if hasattr(config, "workerinput") or not config.pluginmanager.hasplugin("xdist"):
        return False
    return bool(config.getoption("tx", None)) and config.getoption("dist") != "no"


def is_task_path(arg: str) -> bool:
    """Tell by its name whether an argument, or the id of a node, is of a task file."""
    return arg.partition("::")[0].endswith((".yaml", ".yml"))


def node_path(config: pytest.Config, path: Path) -> str:
    """Name a file as node ids begin, also where it lies outside the root folder.

    There pytest would leave the name out, and the ids of two files could be the same.
    """
    return Path(os.path.relpath(path, config.rootpath)).as_posix()


def run_start(config: pytest.Config) -> RunStart:
    """Get when the run started, chosen once and told to every worker.

    Workers are on the controller's machine, so they share its clocks.
    """
    start = config.stash.get(_START_KEY, None)
    if start is None:
        given = worker_input(config).get("evalkit_start")
        start = config.stash[_START_KEY] = (
            RunStart(time.monotonic(), time.time())
            if given is None
            else RunStart(*given)
        )
    return start


def fixture_model(model_name: str | None) -> str:
    """Name a model for the folders of its runs; None is that of a fixture."""
    return model_name or _FIXTURE_MODEL


def run_folder(
    config: pytest.Config, options: RunOptions, model_name: str | None
) -> RunFolder:
    """Get the folder of the run, chosen once and told to every worker.

    Args:
        config: pytest's configuration.
        options: What the user asked for.
        model_name: Name of the model, or None where a fixture gives it.
    """
    from pytest_evalkit.results.folder import RunFolder, plan_run_folder

    folder = config.stash.get(_FOLDER_KEY, None)
    if folder is None:
        given = worker_input(config).get("evalkit_folder")
        folder = config.stash[_FOLDER_KEY] = (
            plan_run_folder(
                options.output_path,
                fixture_model(model_name),
                datetime.now().astimezone(),
            )
            if given is None
            else RunFolder(Path(given))
        )
    return folder


def set_resumed(config: pytest.Config, folder: RunFolder, session: int) -> None:
    """Make an earlier run's folder that of this one.

    Args:
        config: pytest's configuration.
        folder: The folder.
        session: Number of the session, from two.
    """
    config.stash[_FOLDER_KEY] = folder
    config.stash[_SESSION_KEY] = session


def session_number(config: pytest.Config) -> int:
    """Tell which session of its run this is: 1, or more where a run is resumed."""
    told: int = worker_input(config).get("evalkit_session", 1)
    return config.stash.get(_SESSION_KEY, told)


def is_replacement(config: pytest.Config) -> bool:
    """Tell whether this worker has the share of one that died."""
    return bool(worker_input(config).get("evalkit_replaces", False))


def resumed_header(config: pytest.Config) -> str | None:
    """Name the run that is resumed, for the head of the terminal; None for a new one."""
    folder = config.stash.get(_FOLDER_KEY, None)
    number = config.stash.get(_SESSION_KEY, 1)
    if folder is None or number == 1:
        return None
    return f"resuming: {folder.root} (session {number})"


def note(config: pytest.Config, line: str) -> None:
    """Remember what the summary is to say of how the run began."""
    config.stash.setdefault(_RESUME_KEY, []).append(line)


def resume_notes(config: pytest.Config) -> list[str]:
    """Get what the summary is to say of how the run began, a line each."""
    return config.stash.get(_RESUME_KEY, [])
