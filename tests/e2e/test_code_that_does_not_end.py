"""Documents whose own code never ends, and runs in which nothing does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.evaluate.memory_limit import IS_KEPT

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_LOOPS = """
def score(doc, results):
    while doc["id"] == "q2":
        try:
            results.sort()
        except Exception:
            pass
    return {"exact_match": float(results[0] == doc["answer"])}
"""
_EATS = """
def score(doc, results):
    eaten = "a" * (1 << 30) if doc["id"] == "q2" else ""
    return {"exact_match": float(results[0] == doc["answer"])}
"""
_TAKES_FOR_EVER = [
    {"function": "regex", "regex_pattern": r"^((?:a+)+)$"},
    {"function": "take_first"},
]
_LOOPS_IN_PROMPT = """
def prompt(doc):
    while doc["id"] == "q2":
        pass
    return doc["question"] + "="
"""
_WAITS_FOR_THE_STALL = """
import asyncio, glob

async def answer(request):
    while request.origin.doc_id == 3 and not glob.glob("results/*/*/stalls.log"):
        await asyncio.sleep(0.05)
    return target_of(request)
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_scorer_that_loops_is_an_error_of_its_document(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    arith_suite.task(
        process_results="!function utils.score",
        metric_list=[{"metric": "exact_match", "aggregation": "mean"}],
    )
    unquoted(arith_suite)
    arith_suite.write("arith/utils.py", _LOOPS)

    result = arith_suite.run("--model", "oracle", "--doc-timeout", "1", *workers)

    (error,) = [one for one in arith_suite.samples() if one["status"] == "error"]
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert error["item_id"] == "q2"
    assert "did not end within 1 s (--doc-timeout) (in score, " in error["error"]
    assert arith_suite.results()["coverage"]["arith"]["scored"] == 5


def test_a_filter_of_a_task_that_runs_code_is_interrupted_too(
    arith_suite: ArithSuite,
) -> None:
    answers = ["aaa", "a" * 64 + "b", "aa"]
    arith_suite.task(
        rows=[
            {"id": f"q{n}", "question": "", "answer": a} for n, a in enumerate(answers)
        ],
        metadata={},
        unsafe_code=True,
        filter_list=[{"name": "none", "filter": _TAKES_FOR_EVER}],
    )

    # In a process of its own: what hangs there can be killed.
    result = arith_suite.run_apart(
        *("--model", "oracle", "--allow-code-execution", "--doc-timeout", "1"),
        str(arith_suite.root / "arith" / "arith.yaml"),
    )

    (error,) = [one for one in arith_suite.samples() if one["status"] == "error"]
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert error["item_id"] == "q1"
    assert "did not end within 1 s (--doc-timeout)" in error["error"]
    assert arith_suite.results()["coverage"]["arith"]["scored"] == 2


@pytest.mark.skipif(not IS_KEPT, reason="the kernel keeps no such bound here")
def test_a_scorer_that_eats_memory_is_an_error_of_its_document(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task(
        process_results="!function utils.score",
        metric_list=[{"metric": "exact_match", "aggregation": "mean"}],
    )
    unquoted(arith_suite)
    arith_suite.write("arith/utils.py", _EATS)

    result = arith_suite.run("--model", "oracle", "--doc-memory", "0.5")

    (error,) = [one for one in arith_suite.samples() if one["status"] == "error"]
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert error["item_id"] == "q2"
    assert "(--doc-memory)" in error["error"]
    assert arith_suite.score() == 1.0


def test_a_prompt_that_loops_is_an_error_of_its_document(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task(doc_to_text="!function utils.prompt")
    unquoted(arith_suite)
    arith_suite.write("arith/utils.py", _LOOPS_IN_PROMPT)

    result = arith_suite.run("--model", "oracle", "--doc-timeout", "1")

    (error,) = [one for one in arith_suite.samples() if one["status"] == "error"]
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "(in prompt, " in error["error"]
    assert arith_suite.score() == 1.0


def unquoted(suite: ArithSuite) -> None:
    """Have YAML read what the suite writes as texts: names of functions."""
    path = suite.root / "arith/arith.yaml"
    text = path.read_text("utf-8")
    path.write_text(re.sub(r"'(!function [^']+)'", r"\1", text), encoding="utf-8")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_stall_is_told_once_and_the_run_goes_on(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    arith_suite.model(_WAITS_FOR_THE_STALL)

    result = arith_suite.run("--stall-timeout", "0.4", *workers)

    text = result.stdout.str()
    log = (arith_suite.folders[-1] / "stalls.log").read_text("utf-8")
    assert result.ret == 0
    assert text.count("nothing has ended for 0.4 s; under way: arith[q3] for") == 1
    assert "s ago (attempt 1)" in text
    assert log.count("nothing has ended") == 1
    assert "arith[q3]" in log
    assert "the thread that evaluates is at:" in log
    assert arith_suite.score() == 1.0
