"""The process of a program: bound it, confine it, run it, tell how it ended.

Started as ``python cell.py ORDERS REPORT``, two file descriptors: in the first are the
orders as JSON, to the second go a line that says which protections there are, and
one that says how the program ended. Each begins with a word that the program is not
told, so that it does not pass for having ended well by writing there.
"""

from __future__ import annotations

import json
import linecache
import os
import resource
import sys
from typing import Any

_OPEN_FILES = 64
# What else is given back at the end: room for the interpreter to say what went wrong.
_GRACE_S = 2


def main() -> None:
    """Run the program that the orders name."""
    orders_fd, report_fd = int(sys.argv[1]), int(sys.argv[2])
    with os.fdopen(orders_fd, "rb") as orders_file:
        orders = json.load(orders_file)
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 (a path object would import more)
    sys.path.insert(0, here)
    protections = _confine(orders)
    sys.path.remove(here)
    os.set_inheritable(report_fd, False)  # noqa: FBT003 (its only argument)
    word = orders["word"]

    def report(**told: Any) -> None:
        os.write(report_fd, f"{word} {json.dumps(told)}\n".encode())

    report(protections=protections)
    sys.argv[:] = ["program.py"]
    sys.orig_argv[:] = ["python", "program.py"]
    for name in ("confine", "watchman"):
        sys.modules.pop(name, None)
    sys.exit(_ended(orders["source"], report))


def _confine(orders: dict[str, Any]) -> list[str]:
    import watchman  # type: ignore[import-not-found]  # beside this file

    given = _asked_kernel(orders)
    _bound(orders)
    missing = {"files", "network", "processes"}.difference(given)
    if missing:
        watchman.watch(orders["folder"], missing)
    return given


def _asked_kernel(orders: dict[str, Any]) -> list[str]:
    try:
        import confine  # type: ignore[import-not-found]  # beside this file
    except ImportError:
        # An interpreter that was built without ctypes cannot ask.
        return []
    confine.die_with_parent()
    given: list[str] = []
    if not orders["is_asking_kernel"] or not confine.give_up_privileges():
        return given
    if confine.shut_files(orders["folder"], orders["readable"]):
        given.append("files")
    if confine.shut_calls():
        given += ["network", "processes"]
    return given


def _bound(orders: dict[str, Any]) -> None:
    seconds = int(orders["timeout_s"]) + _GRACE_S
    _limit(resource.RLIMIT_CPU, seconds)
    _limit(resource.RLIMIT_FSIZE, orders["file_bytes"])
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, orders["memory_bytes"])


def _limit(which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(which, (least, least))
    except (OSError, ValueError):
        # macOS does not bound the memory of a process.
        if which != resource.RLIMIT_AS:
            raise


def _ended(source: str, report: Any) -> int:
    """Run the program, and tell how it ended; the code to end with."""
    # The folder is empty, so tracebacks find the program here.
    lines = source.splitlines(keepends=True)
    linecache.cache["program.py"] = (len(source), None, lines, "program.py")
    names = {"__name__": "__main__", "__builtins__": __builtins__}
    try:
        exec(compile(source, "program.py", "exec", dont_inherit=True), names)  # noqa: S102 (what this process is there for)
        sys.stdout.flush()
    except SystemExit as error:
        report(ended="exited")
        if isinstance(error.code, int | None):
            return (error.code or 0) & 0xFF
        sys.stderr.write(f"{error.code}\n")
        return 1
    except MemoryError:
        names.clear()
        report(ended="memory")
        return 1
    except BaseException as error:  # noqa: BLE001 (a program may raise anything)
        report(ended="raised")
        _tell(error)
        return 1
    report(ended="completed")
    return 0


def _tell(error: BaseException) -> None:
    """Write the traceback of the program without the frames of this module."""
    import traceback

    trace = error.__traceback__
    error.__traceback__ = None if trace is None else trace.tb_next
    try:
        traceback.print_exception(error)
    except BaseException:  # noqa: BLE001 (its own text may raise anything)
        sys.stderr.write(f"{type(error).__name__}\n")


if __name__ == "__main__":
    main()
