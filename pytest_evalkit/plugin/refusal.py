"""What becomes of a run whose tasks and options do not go together.

A task that was named is refused, which is a wrong command line. One that only lies in a
folder that was asked for is left out, and the summary says why.

Either shows where the task is collected: under xdist in each worker, which tells its
controller when it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

_REFUSED_KEY: pytest.StashKey[dict[str, None]] = pytest.StashKey()
# By reason, the files that were left out; each has one place, however many tell of it.
_LEFT_OUT_KEY: pytest.StashKey[dict[str, dict[str, None]]] = pytest.StashKey()
_REFUSED = "evalkit_refused"
_LEFT_OUT = "evalkit_left_out"
_MOST_NAMES = 3


def note_refusal(config: pytest.Config, *reasons: str) -> None:
    """Remember a refusal, which shows only when tasks are collected.

    Args:
        config: pytest's configuration.
        reasons: Why, a line each, unless it was told where it showed.
    """
    known = config.stash.setdefault(_REFUSED_KEY, {})
    known.update(dict.fromkeys(reasons))


def note_left_out(config: pytest.Config, name: str, reason: str) -> None:
    """Remember that a task was left out.

    Args:
        config: pytest's configuration.
        name: Its file, without the folder.
        reason: Why, and what to do about it; the same for tasks of one kind.
    """
    left_out = config.stash.setdefault(_LEFT_OUT_KEY, {})
    left_out.setdefault(reason, {})[name] = None


def hear_refusal(config: pytest.Config, node: WorkerController) -> None:
    """Remember what a worker which has ended refused or left out."""
    # One that died has told nothing.
    told = getattr(node, "workeroutput", {})
    reasons = told.get(_REFUSED)
    if reasons is not None:
        note_refusal(config, *reasons)
    for reason, names in told.get(_LEFT_OUT, {}).items():
        for name in names:
            note_left_out(config, name, reason)


def tell_refusal(session: pytest.Session) -> None:
    """Make the exit status that of a wrong command line where a task was refused.

    So it is where all that was asked for was left out.
    """
    config = session.config
    left_out = config.stash.get(_LEFT_OUT_KEY, {})
    is_nothing_left = session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
    reasons = config.stash.get(_REFUSED_KEY, None)
    if reasons is not None or (left_out and is_nothing_left):
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output[_REFUSED] = None if reasons is None else list(reasons)
        output[_LEFT_OUT] = {why: list(names) for why, names in left_out.items()}


def left_out_lines(config: pytest.Config) -> Iterator[str]:
    """Say which tasks were left out and why, a line for each reason."""
    for reason, names in config.stash.get(_LEFT_OUT_KEY, {}).items():
        yield f"left out {_listed(list(names))}: {reason}"


def _listed(names: Sequence[str]) -> str:
    """Name the first of some files, and count the rest."""
    more = len(names) - _MOST_NAMES
    if more > 1:
        return f"{', '.join(names[:_MOST_NAMES])} and {more} more"
    return ", ".join(names)


def write_refusal(terminal: Any, config: pytest.Config) -> None:
    """Show why the command line was refused, where that was not shown already."""
    for reason in config.stash.get(_REFUSED_KEY, {}):
        terminal.write_line(f"ERROR: {reason}", red=True)
