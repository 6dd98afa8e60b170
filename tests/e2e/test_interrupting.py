from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.results.journal import read_journals

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

# Answers four documents at once and never the rest.
_FOUR_ANSWERS = """
import asyncio

async def answer(request):
    if request.origin.doc_id < 4:
        return target_of(request)
    with open("waiting", "a") as file:
        file.write(f"{request.origin.doc_id}\\n")
    await asyncio.sleep(60)
"""


def is_half_done(suite: ArithSuite) -> bool:
    """Tell whether four documents are recorded, and the last two under way."""
    journals = suite.root.glob("results/*/*/journal/*.jsonl")
    lines = [line for path in journals for line in path.read_bytes().splitlines()]
    recorded = sum(b'"kind"' not in line for line in lines)
    return recorded >= 4 and len(suite.noted("waiting")) >= 2


def recorded(suite: ArithSuite) -> list[str]:
    """The documents in the journals of the only run."""
    (journals,) = suite.root.glob("results/*/*/journal")
    lines = [line.value for line in read_journals(journals) if "kind" not in line.value]
    return sorted(line["item_id"] for line in lines)


def interrupted(
    suite: ArithSuite, *arguments: str, is_twice: bool = False
) -> tuple[int, str]:
    """Send SIGINT as a terminal does, once the last two documents are under way."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    with subprocess.Popen(
        command, cwd=suite.root, stdout=subprocess.PIPE, text=True, process_group=0
    ) as process:
        deadline = time.monotonic() + 30
        while not is_half_done(suite) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        if is_twice:
            closing = suite.root / "closing"
            while not closing.exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            os.killpg(process.pid, signal.SIGINT)
        try:
            output, _ = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return process.returncode, output


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_ctrl_c_leaves_results_and_every_finished_sample(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    arith_suite.model(_FOUR_ANSWERS)

    status, output = interrupted(arith_suite, *workers)

    results = arith_suite.results()
    assert status == pytest.ExitCode.INTERRUPTED
    assert results["complete"] is False
    assert results["coverage"]["arith"]["selected"] == 6
    assert results["coverage"]["arith"]["scored"] == 4
    assert arith_suite.ran() == ["q0", "q1", "q2", "q3"]
    assert "the run is not complete" in output
    assert "INTERNALERROR" not in output


# The conclusion of the run never ends, unless somebody ends it.
_SLOW_TO_CLOSE = """
import time
async def never_closed(self):
    open("closing", "w").close()
    time.sleep(60)
MockBackend.aclose = never_closed
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_second_ctrl_c_ends_the_run_at_once_and_keeps_the_journals(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    arith_suite.model(_FOUR_ANSWERS, more=_SLOW_TO_CLOSE)

    status, output = interrupted(arith_suite, *workers, is_twice=True)

    assert status == pytest.ExitCode.INTERRUPTED
    assert recorded(arith_suite) == ["q0", "q1", "q2", "q3"]
    assert "INTERNALERROR" not in output


def test_a_gate_fails_in_an_interrupted_run(arith_suite: ArithSuite) -> None:
    arith_suite.model(_FOUR_ANSWERS)

    status, output = interrupted(arith_suite, "--gate", "exact_match>=0.1")

    assert status == pytest.ExitCode.INTERRUPTED
    assert arith_suite.results()["gates"][0]["verdict"] == "fail"
    assert "only 4 of 6 documents have a score" in output


def test_an_ordinary_test_that_is_interrupted_leaves_the_samples_before_it(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task("more")
    arith_suite.write("zzz/test_it.py", "def test_it(): raise KeyboardInterrupt\n")

    result = arith_suite.run_apart("--model", "oracle", "arith", "zzz", "more")

    results = arith_suite.results()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert results["complete"] is False
    assert results["coverage"]["arith"]["scored"] == 6


def test_an_interrupt_within_a_request_leaves_the_results(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.model(
        "def answer(request):\n"
        "    if request.origin.doc_id == 3: raise KeyboardInterrupt\n"
        "    return target_of(request)\n"
    )

    # The default concurrency: the fault needs other documents in flight.
    result = arith_suite.run_apart()

    assert result.ret not in {0, pytest.ExitCode.INTERNAL_ERROR}
    assert arith_suite.results()["complete"] is False
    assert (
        {"q0", "q1", "q2"} <= set(arith_suite.ran()) <= {"q0", "q1", "q2", "q4", "q5"}
    )


_INTERRUPTS = """
import os, signal
async def interrupting(self):
    for _ in range({times}):
        os.kill(os.getpid(), signal.SIGINT)
MockBackend.aclose = interrupting
"""
_INTERRUPTS_LATE = """
import os, signal
def pytest_terminal_summary():
    os.kill(os.getpid(), signal.SIGINT)
"""
_ALL_ANSWERS = "def answer(request): return target_of(request)"


@pytest.mark.parametrize(
    "more", [_INTERRUPTS.format(times=1), _INTERRUPTS_LATE], ids=["closing", "summary"]
)
def test_ctrl_c_after_the_last_document_costs_no_result(
    arith_suite: ArithSuite, more: str
) -> None:
    arith_suite.model(_ALL_ANSWERS, more=more)

    result = arith_suite.run_apart()

    results = arith_suite.results()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert results["complete"] is True
    assert results["coverage"]["arith"]["scored"] == 6
    assert "Traceback" not in result.stderr.str()
    assert "once more ends it at once" in result.stderr.str()


def test_a_second_ctrl_c_after_the_last_document_ends_the_run(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.model(_ALL_ANSWERS, more=_INTERRUPTS.format(times=2))

    result = arith_suite.run_apart()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert recorded(arith_suite) == [f"q{n}" for n in range(6)]
    assert not list(arith_suite.root.glob("results/*/*/results.json"))
    assert "ended at once" in result.stderr.str()
