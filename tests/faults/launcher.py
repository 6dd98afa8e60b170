"""Starts pytest often and fast: a process that has imported all of it, and forks.

It reads one JSON object a line, a ``Launch``, and answers with the process id of the
child; then any line, and answers with its exit status, negative where a signal ended it.
One child at a time. Until it is asked for, the number of a child that ended is nobody
else's, so that whoever kills it kills no other.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import resource
import signal
import sys
from pathlib import Path
from typing import NoReturn, TypedDict

_HEAVY = ("aiohttp", "jinja2", "uvloop", "xdist.workermanage", "xdist.dsession")


class Launch(TypedDict):
    """A pytest to be run.

    Attributes:
        folder: Where it runs.
        arguments: Of pytest.
        output: The file for what it prints.
        file_bytes: The most bytes that a file of it may have, or None.
    """

    folder: str
    arguments: list[str]
    output: str
    file_bytes: int | None


def main() -> None:
    """Serve until the standard input ends."""
    _import_all()
    answers = os.fdopen(os.dup(1), "w")
    for line in iter(sys.stdin.readline, ""):
        launch: Launch = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(launch)
        answers.write(f"{child}\n")
        answers.flush()
        sys.stdin.readline()
        _, status = os.waitpid(child, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


def _import_all() -> None:
    import pytest_evalkit

    names = [
        module.name
        for module in pkgutil.walk_packages(pytest_evalkit.__path__, "pytest_evalkit.")
        if not module.name.endswith("__main__") and ".local" not in module.name
    ]
    for name in (*names, *_HEAVY):
        importlib.import_module(name)


def _run(launch: Launch) -> NoReturn:
    import pytest

    os.setsid()
    os.chdir(launch["folder"])
    output = os.open(launch["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # The shell that started the suite may ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if launch["file_bytes"] is not None:
        limits = (launch["file_bytes"], resource.RLIM_INFINITY)
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    # Where the child writes what nobody closes, it is as in a process of its own.
    status = 3
    try:
        status = int(pytest.main(launch["arguments"]))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    main()
