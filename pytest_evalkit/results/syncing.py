"""Having what was written on the disk itself, which a power cut does not take back.

What is written to a file is the system's as soon as the call returns, so that a process
may be killed and nothing is lost. It is the disk's only once that is asked for, which
takes milliseconds: too long for each document. So a thread asks once a second, if
anything was written.
"""

from __future__ import annotations

import errno
import os
import threading

EVERY_S = 1.0
"""Seconds between two times that the disk is asked for."""

# File systems and pipes that know no such thing: what they are given, they have.
_UNKNOWN = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EROFS}


def sync_file(file: int) -> None:
    """Wait until the content of an open file is on its disk.

    Raises:
        OSError: The disk failed, or is full after all.
    """
    try:
        getattr(os, "fdatasync", os.fsync)(file)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise


class Syncing:
    """Has an open file on its disk: when asked, and once a second where it is begun.

    Args:
        file: The file.

    Attributes:
        is_due: Whether anything was written since; whoever writes says so.
        failure: Why the disk does not hold what was written, or None.
    """

    def __init__(self, file: int) -> None:
        self.is_due = False
        self.failure: OSError | None = None
        self._file = file
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, every_s: float = EVERY_S) -> None:
        """Ask the disk every so many seconds from now on, on a thread."""
        self._thread = threading.Thread(
            target=self._go_on, args=(every_s,), name="evalkit-sync", daemon=True
        )
        self._thread.start()

    def _go_on(self, every_s: float) -> None:
        while not self._ended.wait(every_s):
            self.sync()

    def sync(self) -> None:
        """Wait until the disk holds all that was written; ``failure`` says if not."""
        if not self.is_due:
            return
        # What is written meanwhile is for the next time.
        self.is_due = False
        try:
            sync_file(self._file)
        except OSError as error:
            self.failure = error

    def end(self) -> None:
        """Ask the disk once more where it was begun, and end the thread."""
        if self._thread is not None:
            self._ended.set()
            self._thread.join()
            self.sync()
