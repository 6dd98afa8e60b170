"""Running a program: a process of its own, bounded, watched until it ends."""

from __future__ import annotations

import json
import os
import secrets
import selectors
import signal
import site
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from pytest_evalkit.errors import OptionError, ScoringError
from pytest_evalkit.sandbox.outcome import Outcome, Status
from pytest_evalkit.sandbox.permission import require_permission

# What the kernel can see to: that no file changes outside the program's folder, and
# none is read but the interpreter's; that there is no network; that it starts no process
# and touches no other.
PROTECTIONS = frozenset({"files", "network", "processes"})

_CELL = Path(__file__).with_name("cell.py")
_READ_SIZE = 65536
# The report of a cell is two short lines.
_MOST_REPORT = 65536
_SYSTEM = (
    "/usr", "/lib", "/lib64", "/lib32", "/bin", "/etc/ld.so.cache", "/etc/localtime",
    "/dev/urandom", "/dev/random", "/dev/zero", "/proc/self", "/proc/cpuinfo",
    "/proc/meminfo", "/sys/devices/system/cpu",
)  # fmt: skip


class UnprotectedExecutionWarning(UserWarning):
    """A program runs where the kernel does not confine it."""


def run_program(
    source: str,
    *,
    timeout_s: float = 10.0,
    memory_mb: int = 512,
    file_mb: int = 8,
    output_kb: int = 64,
    stdin: str = "",
) -> Outcome:
    """Run a Python program that a model wrote, and tell what became of it.

    It has a process of its own with an empty folder, a clean environment and this
    interpreter with its packages. On Linux the kernel keeps it from the network, from
    other processes, from starting any, from writing outside its folder, and from reading
    anything but the interpreter and the system's libraries. Where it cannot, the
    interpreter keeps out what does not try to get past it, and a warning says so.

    Args:
        source: The program.
        timeout_s: Wall-clock seconds that it may take, above 0, the start of the
            interpreter included.
        memory_mb: MiB of memory that it may ask for, the interpreter's own included, at
            least 64.
        file_mb: MiB that each file may have that it writes; how many is not bounded.
        output_kb: KiB that it may write to each of its outputs.
        stdin: What it reads from its input.

    Raises:
        OptionError: The user has not allowed it, or this system cannot bound programs.
        OSError: No process can be started.
        ScoringError: The interpreter came to an end before the program began.
    """
    require_permission()
    bounds = Bounds(
        timeout_s=timeout_s,
        memory_bytes=memory_mb << 20,
        file_bytes=file_mb << 20,
        output_bytes=output_kb << 10,
    )
    outcome = run_bounded(source, bounds, stdin)
    missing = PROTECTIONS - outcome.protections
    if missing:
        warnings.warn(
            "the kernel does not confine programs here "
            f"({', '.join(sorted(missing))}); only the interpreter keeps them in",
            UnprotectedExecutionWarning,
            stacklevel=2,
        )
    return outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a program may use.

    Attributes:
        timeout_s: Wall-clock seconds.
        memory_bytes: Address space.
        file_bytes: Size of each file it writes.
        output_bytes: Of each of its two outputs.
    """

    timeout_s: float
    memory_bytes: int
    file_bytes: int
    output_bytes: int


def run_bounded(
    source: str, bounds: Bounds, stdin: str = "", *, is_asking_kernel: bool = True
) -> Outcome:
    """Run a program whoever allowed it.

    Args:
        source: The program.
        bounds: What it may use.
        stdin: What it reads.
        is_asking_kernel: False to leave it to the interpreter alone.

    Raises:
        OptionError: This system cannot bound programs.
        OSError: No process can be started.
        ScoringError: It came to an end before the program began.
    """
    if os.name != "posix":
        raise OptionError("programs of a model can be run on Linux and macOS only")
    word = secrets.token_hex(16)
    orders: dict[str, Any] = {
        "word": word,
        "source": source,
        "timeout_s": bounds.timeout_s,
        "memory_bytes": bounds.memory_bytes,
        "file_bytes": bounds.file_bytes,
        "readable": _readable(),
        "is_asking_kernel": is_asking_kernel,
    }
    started = time.monotonic()
    with (
        _empty_folder() as folder,
        _holding(json.dumps({**orders, "folder": str(folder)})) as given,
        _holding(stdin) as typed,
        _started(folder, given, typed) as cell,
    ):
        ended_by = cell.watch(bounds, started + bounds.timeout_s)
    return cell.outcome(word, ended_by, time.monotonic() - started)


@contextmanager
def _empty_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="evalkit-program-") as folder:
        yield Path(folder).resolve()


@contextmanager
def _holding(text: str) -> Iterator[IO[bytes]]:
    """Hold a text in a file without a name, ready to be read."""
    with tempfile.TemporaryFile() as file:
        file.write(text.encode(errors="replace"))
        file.seek(0)
        yield file


def _readable() -> list[str]:
    """List what a Python program needs to read: its interpreter and its packages."""
    own = [sys.prefix, sys.base_prefix, sys.exec_prefix, *site.getsitepackages()]
    interpreter = os.path.realpath(sys.executable)
    roots = {os.path.realpath(path) for path in own}
    # An interpreter that calls the root folder its own says nothing of where it is.
    return [*sorted(roots - {"/"}), interpreter, str(_CELL.parent), *_SYSTEM]


def _environment(folder: Path) -> dict[str, str]:
    return {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        # The same program has the same sets in the same order each time.
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONSAFEPATH": "1",
        # Each thread of these would ask for memory of its own.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
    }


@dataclass(slots=True)
class _Cell:
    """The process of a program, and what was heard of it."""

    process: subprocess.Popen[bytes]
    report: int
    heard: dict[int, bytearray] = field(default_factory=dict)

    def watch(self, bounds: Bounds, deadline: float) -> Status | None:
        """Listen until it ends; end it where it passes its bounds, and say which."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        most = {
            self.process.stdout.fileno(): bounds.output_bytes,
            self.process.stderr.fileno(): bounds.output_bytes,
            self.report: _MOST_REPORT,
        }
        self.heard = {number: bytearray() for number in most}
        with selectors.DefaultSelector() as selector:
            for number in most:
                selector.register(number, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    return "timeout"
                for key, _ in ready:
                    if not self._hear(selector, key.fd, most[key.fd]):
                        return "output"
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return "timeout"
        return None

    def _hear(self, selector: selectors.BaseSelector, number: int, most: int) -> bool:
        """Read what is there; False where it is too much."""
        read = os.read(number, _READ_SIZE)
        if not read:
            selector.unregister(number)
        self.heard[number] += read
        is_within = len(self.heard[number]) <= most
        del self.heard[number][most:]
        return is_within

    def outcome(self, word: str, ended_by: Status | None, took_s: float) -> Outcome:
        """Tell what became of it.

        Raises:
            ScoringError: The program never began.
        """
        out, err, told = map(bytes, self.heard.values())
        reports = [
            json.loads(line.removeprefix(f"{word} "))
            for line in told.decode(errors="replace").splitlines()
            if line.startswith(f"{word} ")
        ]
        said = {key: value for report in reports for key, value in report.items()}
        code = self.process.returncode
        if "protections" not in said:
            last = err.decode(errors="replace").strip().rpartition("\n")[2]
            raise ScoringError(
                f"no program could be run within {took_s:.1f} s: "
                f"{last or 'its interpreter did not start'}"
            )
        return Outcome(
            status=ended_by or _status(said.get("ended"), code),
            exit_code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            stdout=out.decode(errors="replace"),
            stderr=err.decode(errors="replace"),
            duration_s=took_s,
            protections=frozenset(said.get("protections", ())),
        )


def _status(ended: str | None, code: int) -> Status:
    """Tell how a program ended that nobody stopped.

    Args:
        ended: What its cell said, if it came to that.
        code: What the process ended with.
    """
    if code == -signal.SIGXCPU:
        return "timeout"
    if code < 0:
        return "killed"
    if ended is None:
        # It ended itself so that not even its cell could say so.
        return "exited"
    # Python ends with another code where an exit handler fails, say.
    return cast("Status", "raised" if ended == "completed" and code else ended)


@contextmanager
def _started(folder: Path, orders: IO[bytes], typed: IO[bytes]) -> Iterator[_Cell]:
    """Start the process; whatever happens, nothing of it is left at the end."""
    report_in, report_out = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 (our own interpreter)
            [sys.executable, "-B", str(_CELL), str(orders.fileno()), str(report_out)],
            cwd=folder,
            env=_environment(folder),
            stdin=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(orders.fileno(), report_out),
            start_new_session=True,
        )
    except BaseException:
        os.close(report_in)
        raise
    finally:
        os.close(report_out)
    try:
        yield _Cell(process, report_in)
    finally:
        _end(process)
        os.close(report_in)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process with all that it started, and forget it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    except PermissionError:
        # macOS says so of a group whose processes have ended already.
        process.kill()
    process.wait()
    for pipe in (process.stdout, process.stderr):
        assert pipe is not None
        pipe.close()
