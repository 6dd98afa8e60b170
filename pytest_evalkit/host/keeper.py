"""A small process that starts a server and ends with whoever started it.

It reads one line of JSON from its standard input, a ``KeeperDict``, and keeps that pipe
open: when the other end is gone, however that came, it ends the server and all processes
in its group. It should be in a session of its own, lest it be ended together with
whoever it watches. When the server ends by itself, so does the keeper, with its
exit status.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread
from typing import IO, TypedDict

# How long a server has to end in peace.
GRACE_S = 5.0
_LOOK_S = 0.2
_TELL_ME_WHEN_PARENT_DIES = 1


class KeeperDict(TypedDict):
    """What a keeper is told.

    Attributes:
        command: The server and its arguments.
        environment: All of the server's variables.
        input: Written to the server's standard input, which then stays open.
        fds: Descriptors that the keeper got for the server.
        secrets: What is left out of what the server says, the longest first.
    """

    command: list[str]
    environment: dict[str, str]
    input: str
    fds: list[int]
    secrets: list[str]


def main() -> int:
    """Keep a server.

    Returns:
        The server's exit status; 127 where it cannot be started, 0 where it was ended
        or there is nothing to start.
    """
    parent = os.getppid()
    line = _first_line()
    if not line:
        return 0
    told: KeeperDict = json.loads(line)
    try:
        server = _started(told)
    except OSError as error:
        sys.stderr.write(f"cannot start {told['command'][0]}: {error.strerror}\n")
        return 127
    scribe = Thread(target=_copy, args=(server.stdout, told["secrets"]), daemon=True)
    scribe.start()
    try:
        _wait(server, parent)
        status = server.poll()
        if status is not None:
            return status if status >= 0 else 128 - status
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(GRACE_S)
        return 0
    finally:
        # Whatever the server started is in its group.
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        scribe.join(GRACE_S)


def _copy(said: IO[bytes], secrets: Sequence[str]) -> None:
    """Write down what the server says, line by line, without secrets."""
    forms = [secret.encode(errors="replace") for secret in secrets]
    for line in said:
        for form in forms:
            line = line.replace(form, b"***")  # noqa: PLW2901 - it is the same line
        with suppress(OSError):
            # A full disk must not stop who speaks.
            os.write(sys.stdout.fileno(), line)


def _first_line() -> bytes:
    """Read a line and nothing beyond it: who waits for more looks at the descriptor."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(sys.stdin.fileno(), 1)
        if not byte:
            break
        line += byte
    return bytes(line)


def _started(told: KeeperDict) -> subprocess.Popen[bytes]:
    server = subprocess.Popen(  # noqa: S603 - whoever started us may start that too
        told["command"],
        env=told["environment"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=told["fds"],
        process_group=0,
        preexec_fn=_die_with_keeper,  # noqa: PLW1509 - one thread, and nothing locked
    )
    for descriptor in told["fds"]:
        os.close(descriptor)
    pipe: IO[bytes] = server.stdin  # type: ignore[assignment]  # it is asked for above
    with suppress(BrokenPipeError):
        pipe.write(told["input"].encode())
        pipe.flush()
    return server


def _die_with_keeper() -> None:
    """Have the server killed when its keeper is; only Linux can be asked for that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_TELL_ME_WHEN_PARENT_DIES, signal.SIGKILL)


def _wait(server: subprocess.Popen[bytes], parent: int) -> None:
    """Wait until the server has ended, or whoever started us has."""
    while server.poll() is None and os.getppid() == parent:
        readable, _, _ = select.select([sys.stdin.fileno()], [], [], _LOOK_S)
        if readable and not os.read(sys.stdin.fileno(), 1):
            return


if __name__ == "__main__":
    sys.exit(main())
