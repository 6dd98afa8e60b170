"""Locks by which one process tells others that it is at work on a file.

The system takes a lock back when its process ends, however it ends. Where a system or
a file system has no such locks, nobody is told and nobody is kept waiting.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

# A worker whose controller was killed notices within some ten seconds.
_PATIENCE_S = 20.0
_GLANCE_S = 0.1


def lock(file: int) -> None:
    """Hold a file as this process's own for as long as it is open.

    Args:
        file: Its descriptor.
    """
    _try_lock(file)


def first_in_use(
    paths: Iterable[Path], *, patience_s: float | None = None
) -> Path | None:
    """Find a file that another process is still at work on.

    Args:
        paths: The files.
        patience_s: Seconds to wait for all of them together, since a process that is
            about to end needs a while for it; None for as long as one may need.

    Returns:
        The first such file; None where all are free.
    """
    patience_s = _PATIENCE_S if patience_s is None else patience_s
    give_up = time.monotonic() + patience_s
    for path in paths:
        while not _is_free(path):
            if time.monotonic() > give_up:
                return path
            time.sleep(_GLANCE_S)
    return None


def _is_free(path: Path) -> bool:
    file = os.open(path, os.O_RDONLY)
    try:
        return _try_lock(file)
    finally:
        os.close(file)


def _try_lock(file: int) -> bool:
    """Lock a file unless another process has; False where one has."""
    try:
        fcntl = importlib.import_module("fcntl")
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # Some network file systems have no locks.
        return True
    return True
