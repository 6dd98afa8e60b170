"""Ctrl-C at any moment: the exit status, what is printed, and what is left.

Sends SIGINT at seeded moments between the first line of a session and its last, to runs
of the model ``demo`` alone and with workers. Each must end with status 2 and without an
error of pytest's or of the event loop, and have results of what its journals hold.

    pytest tests/faults/suite_of_interrupts.py
"""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.faults.scene import Launcher, kill_group, wait_until

_MOMENTS = 40
_SEED = 20261121
_SHAPES = Path(__file__).parents[2] / "benchmarks" / "shapes"
# The last line of a session: what comes after it belongs to the interpreter.
_LAST_LINE = re.compile(r" in \d+\.\d+s( \(|$| =)", re.MULTILINE)
_NEVER = ("INTERNALERROR", "Event loop is closed", "never awaited", "was destroyed")


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    launcher = Launcher()
    yield launcher
    launcher.close()


def begin(launcher: Launcher, folder: Path, workers: tuple[str, ...]) -> int:
    """Begin a run, and wait for its first line."""
    folder.mkdir()
    (folder / "pytest.ini").write_text(
        "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
    )
    arguments = [
        *("-p", "no:cacheprovider", "--rootdir", str(folder), "-c", "pytest.ini"),
        *(str(_SHAPES), "--sample", "--model", "demo", "--output-path", "out"),
    ]
    process = launcher.start(
        {
            "folder": str(folder),
            "arguments": [*arguments, *workers],
            "output": str(folder / "printed.txt"),
            "file_bytes": None,
        }
    )
    assert wait_until(lambda: "test session starts" in printed(folder), process)
    return process


def printed(folder: Path) -> str:
    path = folder / "printed.txt"
    return path.read_text("utf-8", "replace") if path.exists() else ""


def clean_run_s(launcher: Launcher, folder: Path, workers: tuple[str, ...]) -> float:
    """Seconds from the first line of a session to its end, once all is warm."""
    begun = 0.0
    for name in ("first", "second"):
        begin(launcher, folder / name, workers)
        begun = time.monotonic()
        assert launcher.wait() == 0, printed(folder / name)
    return time.monotonic() - begun


def interrupt(process: int, folder: Path) -> bool:
    """Press Ctrl-C; False where the session has said its last.

    It stands still meanwhile, lest it come to its end between looking and pressing.
    """
    kill_group(process, signal.SIGSTOP)
    wait_until(lambda: state_of(process) in "TZ")
    is_in_time = state_of(process) == "T" and not _LAST_LINE.search(printed(folder))
    kill_group(process, signal.SIGINT)
    kill_group(process, signal.SIGCONT)
    return is_in_time


def state_of(process: int) -> str:
    """The state of a process: T where it is stopped, Z where it has ended."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def problems_of(folder: Path, status: int) -> list[str]:
    """What is wrong with an interrupted run."""
    said = printed(folder)
    problems = [f"it printed {text!r}" for text in _NEVER if text in said]
    if status != pytest.ExitCode.INTERRUPTED:
        problems.append(f"exit status {status}")
    lines = [
        json.loads(line)
        for path in folder.glob("out/*/*/journal/*.jsonl")
        for line in path.read_text("utf-8").splitlines()
    ]
    recorded = {line["item_id"] for line in lines if "item_id" in line}
    results = [
        json.loads(path.read_text("utf-8"))
        for path in folder.glob("out/*/*/results.json")
    ]
    if not recorded:
        return problems
    if not results:
        return [*problems, f"{len(recorded)} documents recorded, no results"]
    scored = results[0]["coverage"]["shapes"]["scored"]
    if scored != len(recorded):
        problems.append(f"{len(recorded)} documents recorded, {scored} in the results")
    return problems


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_ctrl_c_at_any_moment(
    launcher: Launcher, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    longest_s = clean_run_s(launcher, tmp_path, workers)
    draws = Random(_SEED)
    told: list[str] = []
    tries = sent = 0

    while sent < _MOMENTS:
        tries += 1
        folder, after_s = tmp_path / str(tries), draws.random() * longest_s
        process = begin(launcher, folder, workers)
        time.sleep(after_s)
        is_late = not interrupt(process, folder)
        status = launcher.wait()
        if is_late:
            # The machine had more to do when the clean run was timed.
            longest_s = min(longest_s, after_s)
            continue
        sent += 1
        problems = problems_of(folder, status)
        told += [f"{tries} after {after_s:.3f} s: {text}" for text in problems]

    assert told == []
