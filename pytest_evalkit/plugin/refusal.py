"""Exit status of a run whose tasks and options do not go together.

A task is refused where it is collected: under xdist by each worker, which tells its
controller when it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

_REFUSED_KEY: pytest.StashKey[bool] = pytest.StashKey()
_OUTPUT = "evalkit_refused"


def note_refusal(config: pytest.Config) -> None:
    """Remember that a task was refused, which shows only when it is collected."""
    config.stash[_REFUSED_KEY] = True


def hear_refusal(config: pytest.Config, node: WorkerController) -> None:
    """Remember that a worker which has ended refused a task."""
    # One that died has told nothing.
    if getattr(node, "workeroutput", {}).get(_OUTPUT, False):
        note_refusal(config)


def tell_refusal(session: pytest.Session) -> None:
    """Make the exit status that of a wrong command line where a task was refused."""
    config = session.config
    if not config.stash.get(_REFUSED_KEY, False):
        return
    session.exitstatus = pytest.ExitCode.USAGE_ERROR
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output[_OUTPUT] = True
