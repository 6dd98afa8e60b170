"""What a run has to tell at once, whichever process finds it out.

A notice is a line on the terminal and in a file of the run's folder. Workers have no
terminal: they write to the file, and the controller shows what comes. That takes a
thread, since the controller's own waits until something is reported, and a run that has
something to tell at once is mostly one that reports nothing.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.plugin.place import worker_input

_LOOK_EVERY_S = 0.2


class Notices:
    """Tells what cannot wait until the end.

    Args:
        config: pytest's configuration.
        path: The file, in the folder of the run.
    """

    def __init__(self, config: pytest.Config, path: Path) -> None:
        self._config = config
        self._path = path

    def post(self, line: str) -> None:
        """Tell a line, now."""
        from pytest_evalkit.plugin.secrecy import secrets_of

        shown = _printable(secrets_of(self._config).text(line))
        # Where the disk is full, that is told by whoever records a document.
        with suppress(OSError):
            self._append(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {shown}\n".encode())
        if not worker_input(self._config):
            show(self._config.pluginmanager.getplugin("terminalreporter"), shown)

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, line)
        finally:
            os.close(file)


class NoticeBoard:
    """Shows on the controller's terminal what workers write.

    Args:
        terminal: pytest's terminal reporter, or None where there is none.
        path: The file that they write to.
    """

    def __init__(self, terminal: Any, path: Path) -> None:
        self._terminal = terminal
        self._path = path
        self._offset = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(
            target=self._watch, name="evalkit-notices", daemon=True
        )

    def start(self) -> None:
        """Begin to look for notices."""
        self._thread.start()

    def stop(self) -> None:
        """Show what is left; a second time does nothing."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._ending.wait(_LOOK_EVERY_S):
            self._show_new()
        self._show_new()

    def _show_new(self) -> None:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                lines = file.readlines()
        except OSError:
            # There is no file before there is a notice.
            return
        for line in lines:
            if line.endswith(b"\n"):
                self._offset += len(line)
                _, _, said = line.decode(errors="replace").rstrip().partition(" ")
                show(self._terminal, said)


def show(terminal: Any, line: str) -> None:
    """Write a notice to pytest's terminal, if there is one."""
    if terminal is not None:
        terminal.ensure_newline()
        terminal.write_line(line, yellow=True)


def _printable(line: str) -> str:
    """Take out what would move the cursor: endpoints may say anything."""
    return "".join(char if char.isprintable() else " " for char in line)
