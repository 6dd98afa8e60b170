"""A second Ctrl-C: who interrupts a run while it concludes wants it to end at once."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any, NoReturn

import pytest

_USUAL_KEY: pytest.StashKey[Any] = pytest.StashKey()
_LAST_WORDS = b"\nended at once, without results; what was recorded is in the journal of the run\n"


def end_at_once_from_now(config: pytest.Config) -> None:
    """Have the next interrupt end the process, with nothing concluded.

    Journals are written through, so that they are as good as they were. Workers and
    servers of the session end when they find it gone.

    Args:
        config: pytest's configuration, which remembers how interrupts were handled.
    """
    if threading.current_thread() is threading.main_thread():
        config.stash[_USUAL_KEY] = signal.signal(signal.SIGINT, _end)


def end_as_usual(config: pytest.Config) -> None:
    """Take that back: the session is over, and the process may have others."""
    usual = config.stash.get(_USUAL_KEY, None)
    if usual is not None:
        signal.signal(signal.SIGINT, usual)


def _end(_: int, __: FrameType | None) -> NoReturn:
    os.write(2, _LAST_WORDS)
    os._exit(pytest.ExitCode.INTERRUPTED)
