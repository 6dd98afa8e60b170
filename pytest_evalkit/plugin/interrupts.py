"""Ctrl-C after the last document: it must not land where the run concludes.

pytest takes an interrupt for the end of the run while items run, and for nothing it knows
afterwards: what was about to be written would be lost, and the exit status with it. So
from the end of the documents to the end of the session, the first interrupt is only
noted, and the run ends as one that was interrupted. Who interrupts once more wants it to
end at once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

import pytest

_KEPT_KEY: pytest.StashKey[_Keeper] = pytest.StashKey()
_NOTED = b"\ninterrupted while the run concludes; once more ends it at once\n"
_LAST_WORDS = (
    b"\nended at once; what was recorded is in the journal of the run, and results may be"
    b" missing\n"
)


def forget_interrupt() -> None:
    """Have Python end with the status that it is given, though it was interrupted.

    Where an interrupt leaves code that was given to ``exec`` as a text, as that of data
    classes is, CPython takes it for one that nobody catches: in the end it sends the
    signal to itself. The next such code that ends well has it forget that.
    """
    exec("")  # noqa: S102 - there is nothing in it


class _Keeper:
    """Takes the interrupts of a session.

    Args:
        session: The session, which ends.
        is_second: Whether it was interrupted before.
    """

    def __init__(self, session: pytest.Session, *, is_second: bool) -> None:
        self._session = session
        self._is_second = is_second
        self._usual: Any = signal.getsignal(signal.SIGINT)
        self.is_noted = False

    def take(self, _: int, __: FrameType | None) -> None:
        """Note the first interrupt; end the process at another.

        Journals are written through, so that they are as good as they were. Workers and
        servers of the session end when they find it gone.
        """
        if self.is_noted or self._is_second:
            os.write(2, _LAST_WORDS)
            os._exit(pytest.ExitCode.INTERRUPTED)
        self.is_noted = True
        os.write(2, _NOTED)

    def release(self) -> None:
        """Let interrupts be what they were: the process may have other sessions."""
        signal.signal(signal.SIGINT, self._usual)
        if self.is_noted:
            self._session.exitstatus = pytest.ExitCode.INTERRUPTED


def keep_interrupts(session: pytest.Session) -> None:
    """Take the interrupts from now until the session is over.

    To be called where what ended the documents is still being raised: if that is an
    interrupt, it counts as the first.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    error = sys.exception()
    # What pytest raises to stop a run is one by its class, and nobody's interrupt.
    is_stopped = isinstance(error, pytest.Session.Interrupted)
    is_second = isinstance(error, KeyboardInterrupt) and not is_stopped
    keeper = _Keeper(session, is_second=is_second)
    session.config.stash[_KEPT_KEY] = keeper
    signal.signal(signal.SIGINT, keeper.take)
    session.config.add_cleanup(keeper.release)


def tell_interrupt(config: pytest.Config) -> None:
    """Interrupt a session that ran to its end, and was interrupted since.

    Args:
        config: pytest's configuration.

    Raises:
        KeyboardInterrupt: It was.
    """
    keeper = config.stash.get(_KEPT_KEY, None)
    if keeper is not None and keeper.is_noted:
        raise KeyboardInterrupt
