"""Watching a program from within its interpreter, where the kernel does not confine it.

This keeps out programs that reach out because they were written so. One that sets out
to get past it can: it is no wall.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from typing import Any

_NETWORK = ("socket.",)
_PROCESSES = (
    "subprocess.", "os.system", "os.fork", "os.posix_spawn", "os.spawn", "os.exec",
    "pty.spawn", "os.kill", "signal.pthread_kill", "ctypes.",
)  # fmt: skip
# What changes a file, by the event that tells of it; its first argument is the path.
_CHANGES = frozenset(
    {
        "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.removexattr",
        "os.rename", "os.rmdir", "os.setxattr", "os.symlink", "os.truncate", "os.utime",
        "shutil.rmtree",
    }
)  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def watch(folder: str, missing: Collection[str]) -> None:
    """Refuse from now on what the kernel does not.

    Args:
        folder: The only one in which files may change.
        missing: Which of ``network``, ``processes`` and ``files`` to look after.
    """
    inside = os.path.realpath(folder) + os.sep
    refused = (
        *(_NETWORK if "network" in missing else ()),
        *(_PROCESSES if "processes" in missing else ()),
    )
    looks_at_files = "files" in missing

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if refused and event.startswith(refused):
            raise PermissionError(f"the program may not do this: {event}")
        if not looks_at_files:
            return
        is_writing = event == "open" and arguments[2] & _WRITING
        if not (is_writing or event in _CHANGES):
            return
        for path in _changed(event, arguments):
            if isinstance(path, int) or path == os.devnull:
                continue
            if not (os.path.realpath(os.fsdecode(path)) + os.sep).startswith(inside):
                raise PermissionError(f"the program may not write to {path!r}")

    sys.addaudithook(hook)


def _changed(event: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Tell which of an event's arguments are paths that change."""
    if event in ("os.link", "os.rename"):
        return arguments[:2]
    # What a symbolic link points to stays as it is.
    return arguments[1:2] if event == "os.symlink" else arguments[:1]
