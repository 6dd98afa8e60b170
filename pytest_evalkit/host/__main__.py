"""The process of a session's model: ``python -m pytest_evalkit.host``.

It is told what to serve by one line of JSON on its standard input, a ``HostDict``, and
ends when that pipe does.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
from typing import Any, TypedDict

from pytest_evalkit.errors import EvalkitError
from pytest_evalkit.host.server import Bound
from pytest_evalkit.host.serving import serve
from pytest_evalkit.models.backend import StreamingBackend
from pytest_evalkit.models.registry import make_backend

FAILED = 1


class HostDict(TypedDict):
    """What a host is told.

    Attributes:
        model: Name of the backend.
        arguments: Its arguments.
        key: What clients have to show.
        path: Where modules are looked for.
        listener: The descriptor of the socket to listen on.
        stream_for_latency: Whether the run measures latency.
    """

    model: str
    arguments: dict[str, Any]
    key: str
    path: list[str]
    listener: int
    stream_for_latency: bool


def main() -> int:
    """Serve until told to end.

    Returns:
        The exit status: 0, or 1 where there is no model to serve.
    """
    told: HostDict = json.loads(sys.stdin.buffer.readline())
    # By its descriptor: a reader of Python's own could not be left behind at the end.
    watched = (sys.stdin.fileno(),)
    threading.Thread(target=_end_with_pipe, args=watched, daemon=True).start()
    sys.path[:] = told["path"]
    try:
        backend = make_backend(told["model"], told["arguments"])
        if told["stream_for_latency"] and isinstance(backend, StreamingBackend):
            backend.stream_for_latency = True
        bound = Bound(listener=socket.socket(fileno=told["listener"]))
        asyncio.run(serve(backend, bound, api_key=told["key"]))
    except EvalkitError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    return 0


def _end_with_pipe(descriptor: int) -> None:
    """End at once when nobody is there any more who could ask."""
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
