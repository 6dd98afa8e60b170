"""Tasks whose scorer runs what the model wrote."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import ArithSuite

pytestmark = pytest.mark.skipif(
    os.name != "posix", reason="programs of a model run on Linux and macOS only"
)

_SCORER = """
from pytest_evalkit.sandbox import run_program

def process_results(doc, results):
    program = f"{results[0]}\\nassert f() == 1"
    return {"pass": float(run_program(program, timeout_s=30).is_completed)}
"""
_ROWS = [
    {"id": "right", "question": "q", "answer": "def f(): return 1"},
    {"id": "wrong", "question": "q", "answer": "def f(): return 2"},
    {"id": "leaving", "question": "q", "answer": "import sys; sys.exit(0)"},
]


def programs(suite: ArithSuite, *, unsafe_code: bool | None = None) -> Path:
    suite.write("arith/utils.py", _SCORER)
    metrics = [{"metric": "pass"}]
    path = suite.task(
        rows=_ROWS, metric_list=metrics, metadata={}, unsafe_code=unsafe_code
    )
    scorer = "process_results: !function utils.process_results\n"
    path.write_text(path.read_text() + scorer)
    return path


def test_programs_do_not_run_unless_allowed(arith_suite: ArithSuite) -> None:
    path = programs(arith_suite, unsafe_code=True)

    result = arith_suite.run("--model", "oracle", str(path))

    result.stdout.fnmatch_lines(["*give --allow-code-execution"])
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_a_task_of_programs_is_left_out_of_its_folder(arith_suite: ArithSuite) -> None:
    programs(arith_suite, unsafe_code=True)
    arith_suite.task("other")

    result = arith_suite.run("--model", "oracle", "-rs")

    result.assert_outcomes(passed=6, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "left out arith.yaml: unsafe_code: *; if that *, give --allow-code-execution",
            "SKIPPED*give --allow-code-execution",
        ]
    )


@pytest.mark.parametrize(
    "option", ["--allow-code-execution", "--confirm_run_unsafe_code"]
)
def test_programs_are_scored_by_running_them(
    arith_suite: ArithSuite, option: str
) -> None:
    programs(arith_suite, unsafe_code=True)

    result = arith_suite.run("--model", "oracle", option)

    assert result.ret == 0
    passed = {one["item_id"]: one["pass"] for one in arith_suite.samples()}
    assert passed == {"right": 1.0, "wrong": 0.0, "leaving": 0.0}


def test_workers_are_allowed_what_the_run_is(arith_suite: ArithSuite) -> None:
    programs(arith_suite, unsafe_code=True)

    arith_suite.run("--model", "oracle", "--allow-code-execution", "-n", "2")

    assert arith_suite.score(metric="pass") == pytest.approx(1 / 3)


def test_a_task_that_does_not_say_so_runs_no_program(arith_suite: ArithSuite) -> None:
    programs(arith_suite)

    result = arith_suite.run("--model", "oracle")

    assert result.ret == 1
    assert {one["status"] for one in arith_suite.samples()} == {"error"}
    assert "--allow-code-execution" in arith_suite.samples()[0]["error"]
