"""A server in a process of its own: started, awaited, ended; its log is kept."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.errors import ModelUnavailableError
from pytest_evalkit.host.keeper import GRACE_S, KeeperDict
from pytest_evalkit.models.launching import Launch
from pytest_evalkit.models.secret_values import SecretValues

_LOOK_S = 0.05
_LONGEST_LOOK_S = 1.0
_ANSWER_S = 2.0
_LAST_LINES = 8
_LAST_BYTES = 8192


class ServerProcess:
    """One server, kept by a process that ends it when this one ends, however that is.

    Args:
        launch: How it is started.
        log: The file for all that it prints; made, with its folders, or added to.
    """

    def __init__(self, launch: Launch, log: Path) -> None:
        self.launch = launch
        self.log = log
        self._keeper: subprocess.Popen[bytes] | None = None
        self._fds = launch.fds

    @property
    def status(self) -> int | None:
        """The exit status of a server that ended by itself; None while it runs."""
        return None if self._keeper is None else self._keeper.poll()

    def start(self) -> None:
        """Start it, and do not wait; descriptors for it are closed here.

        Raises:
            OSError: The log cannot be written, or no process can be made.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._keeper = subprocess.Popen(
                [sys.executable, "-m", "pytest_evalkit.host.keeper"],
                env={**os.environ, "PYTHONPATH": python_path()},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=self.launch.fds,
            )
        told: KeeperDict = {
            "command": list(self.launch.command),
            "environment": {**os.environ, **self.launch.environment},
            "input": self.launch.input,
            "fds": list(self.launch.fds),
            "secrets": list(_secrets_of(self.launch).forms),
        }
        self._tell(json.dumps(told).encode() + b"\n")
        self._close_descriptors()

    def _close_descriptors(self) -> None:
        for descriptor in self._fds:
            os.close(descriptor)
        self._fds = ()

    def await_ready(self, waiting: Callable[[], None] | None = None) -> None:
        """Wait until it answers.

        Args:
            waiting: Called now and then meanwhile.

        Raises:
            ModelUnavailableError: It ended, or is not ready in time; its last words
                are in the message.
        """
        name, limit_s = self.launch.name, self.launch.startup_timeout
        deadline = time.monotonic() + limit_s
        pause_s = _LOOK_S
        while not self._answers():
            if self.status is not None:
                raise ModelUnavailableError(self.obituary())
            if time.monotonic() > deadline:
                self.stop()
                raise ModelUnavailableError(
                    f"{name} was not ready after {limit_s:g} s (startup_timeout); "
                    f"{self._last_words()}"
                )
            if waiting is not None:
                waiting()
            time.sleep(pause_s)
            pause_s = min(_LONGEST_LOOK_S, pause_s * 1.5)

    def obituary(self) -> str:
        """Say in one line how it ended, and what it said last."""
        return (
            f"{self.launch.name} ended with status {self.status}; {self._last_words()}"
        )

    def stop(self) -> None:
        """End it and all that it started; a second time does nothing."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            self._close_descriptors()
            return
        assert keeper.stdin is not None, "it is asked for"
        with suppress(BrokenPipeError):
            keeper.stdin.close()
        try:
            keeper.wait(GRACE_S * 2)
        except subprocess.TimeoutExpired:
            os.killpg(keeper.pid, signal.SIGKILL)
            keeper.wait()

    def _tell(self, line: bytes) -> None:
        assert self._keeper is not None, "it was started"
        pipe = self._keeper.stdin
        assert pipe is not None, "it is asked for"
        with suppress(BrokenPipeError):
            pipe.write(line)
            pipe.flush()

    def _answers(self) -> bool:
        place = urlsplit(self.launch.url)
        connection = http.client.HTTPConnection(
            place.hostname or "", place.port, timeout=_ANSWER_S
        )
        try:
            connection.request("GET", self.launch.ready_path)
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _last_words(self) -> str:
        with self.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LAST_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
        said = [line.strip() for line in lines if line.strip()][-_LAST_LINES:]
        if not said:
            return f"it said nothing ({self.log})"
        return f"its last words ({self.log}): " + " | ".join(said)


def _secrets_of(launch: Launch) -> SecretValues:
    """List what a server is given and is not to say in its log."""
    try:
        orders = decode(launch.input)
    except CodecError:
        orders = {}
    arguments = {"command": " ".join(launch.command), "input": orders}
    return SecretValues.of(arguments, {**os.environ, **launch.environment})


def python_path() -> str:
    """Say where another Python looks for modules, so that it finds this package."""
    root = str(Path(__file__).parents[2])
    given = os.environ.get("PYTHONPATH")
    return root if not given else os.pathsep.join((root, given))
