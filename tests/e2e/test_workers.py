from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.results.journal import read_journals

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_DIES_ONCE = """
import signal

def answer(request):
    if request.origin.doc_id == {doc_id} and not os.path.exists("died"):
        open("died", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return target_of(request)
"""
_NOTES_AND_DIES_ONCE = """
import signal

def answer(request):
    with open("asked", "a") as file:
        file.write(f"{request.origin.doc_id}\\n")
    if request.origin.doc_id == 10 and not os.path.exists("died"):
        open("died", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return target_of(request)
"""
# Document 0 takes its worker down when those after it are recorded, in error.
_DIES_BESIDE_ERRORS = """
import asyncio, pathlib, signal

def errors():
    journals = pathlib.Path("results").glob("*/*/journal/*.jsonl")
    return sum(path.read_text().count('"status":"error"') for path in journals)

async def answer(request):
    number = request.origin.doc_id
    with open("asked", "a") as file:
        file.write(f"{number}\\n")
    if number in (2, 4):
        raise RequestRejectedError("HTTP 400: too long")
    if number == 0 and not os.path.exists("died"):
        while errors() < 2:
            await asyncio.sleep(0.01)
        open("died", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return target_of(request)
"""
_DIES_EACH_TIME = """
import signal

def answer(request):
    if request.origin.doc_id == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return target_of(request)
"""
_NOTES_PROCESS = """
def answer(request):
    with open("asked", "a") as file:
        file.write(f"{os.environ.get('PYTEST_XDIST_WORKER')} {request.origin.doc_id}\\n")
    return target_of(request)
"""


def many(suite: ArithSuite, count: int) -> None:
    rows = [
        {"id": f"q{n}", "question": f"{n}+0", "answer": str(n), "category": "add"}
        for n in range(count)
    ]
    suite.task(rows=rows)


def test_each_worker_asks_its_own_part(arith_suite: ArithSuite) -> None:
    arith_suite.model(_NOTES_PROCESS)

    result = arith_suite.run("-n", "2")

    asked = [line.split() for line in arith_suite.noted("asked")]
    by_worker = Counter(worker for worker, _ in asked)
    result.assert_outcomes(passed=6)
    assert by_worker == {"gw0": 3, "gw1": 3}
    assert sorted(doc_id for _, doc_id in asked) == [str(n) for n in range(6)]


def test_more_workers_than_documents_do_no_harm(arith_suite: ArithSuite) -> None:
    many(arith_suite, 1)

    result = arith_suite.run("--model", "oracle", "-n", "2")

    assert result.ret == 0
    result.assert_outcomes(passed=1)
    assert arith_suite.results()["complete"] is True


def test_a_killed_workers_documents_are_run_by_its_replacement(
    arith_suite: ArithSuite,
) -> None:
    many(arith_suite, 20)
    arith_suite.model(_DIES_ONCE.format(doc_id=10))

    result = arith_suite.run("-n", "2", "--max-concurrency", "4")

    results = arith_suite.results()
    assert result.ret == 0
    assert (arith_suite.root / "died").exists()
    assert results["complete"] is True
    assert results["coverage"]["arith"]["scored"] == 20
    assert arith_suite.score() == 1.0
    assert arith_suite.ran() == [f"q{n}" for n in range(20)]


def test_a_replacement_asks_nothing_that_its_predecessor_recorded(
    arith_suite: ArithSuite,
) -> None:
    many(arith_suite, 20)
    arith_suite.model(_NOTES_AND_DIES_ONCE)

    result = arith_suite.run("-n", "2", "--max-concurrency", "4")

    journals = arith_suite.folders[-1] / "journal"
    recorded = Counter(
        line.value["doc_id"]
        for line in read_journals(journals)
        if "kind" not in line.value
    )
    asked = Counter(int(line) for line in arith_suite.noted("asked"))
    again = {doc_id for doc_id, count in asked.items() if count > 1}
    assert result.ret == 0
    assert set(recorded) == set(range(20))
    assert set(recorded.values()) == {1}
    # What was recorded is in the dead worker's journal and asked once; document 10 was
    # under way, and others may have been.
    assert 10 in again


def test_a_replacement_does_not_ask_again_what_its_predecessor_recorded_in_error(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.model(_DIES_BESIDE_ERRORS)

    result = arith_suite.run("-n", "2", "--max-concurrency", "4")

    asked = Counter(int(line) for line in arith_suite.noted("asked"))
    result.assert_outcomes(passed=4, failed=2)
    assert asked == {0: 2, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1}
    assert arith_suite.results()["coverage"]["arith"]["errors"] == 2
    result.stdout.fnmatch_lines(["*arith?q2?*HTTP 400: too long*"])


def test_a_document_that_kills_its_worker_twice_is_to_blame(
    arith_suite: ArithSuite,
) -> None:
    many(arith_suite, 8)
    arith_suite.model(_DIES_EACH_TIME)

    result = arith_suite.run("-n", "2", "--max-concurrency", "2")

    results = arith_suite.results()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*crashed*arith?q4?*"])
    assert results["complete"] is False
    assert results["coverage"]["arith"]["scored"] == 7


def test_ordinary_tests_beside_documents_run_once_each(arith_suite: ArithSuite) -> None:
    arith_suite.write(
        "test_plain.py",
        "import pytest\n"
        "@pytest.mark.parametrize('n', range(7))\n"
        "def test_it(n):\n"
        "    with open('ran', 'a') as file: file.write(f'{n}\\n')\n",
    )

    result = arith_suite.run("--model", "oracle", "-n", "2")

    assert result.ret == 0
    result.assert_outcomes(passed=13)
    assert sorted(arith_suite.noted("ran")) == [str(n) for n in range(7)]


def test_one_worker_is_enough(arith_suite: ArithSuite) -> None:
    result = arith_suite.run("--model", "oracle", "-n", "1")

    assert result.ret == 0
    result.assert_outcomes(passed=6)
    assert arith_suite.results()["complete"] is True


def test_no_workers_is_no_distribution(arith_suite: ArithSuite) -> None:
    result = arith_suite.run("--model", "oracle", "-n", "0")

    result.assert_outcomes(passed=6)


def test_workers_that_find_a_broken_task_stop_with_its_line(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task(doc_to_txt="{{question}}")

    result = arith_suite.run("--model", "oracle", "-n", "2")

    assert result.ret not in {0, pytest.ExitCode.INTERNAL_ERROR}
    result.stdout.fnmatch_lines(["*unknown key 'doc_to_txt'; did you mean*"])


def test_a_wrong_option_is_said_once_and_no_worker_starts(
    arith_suite: ArithSuite,
) -> None:
    result = arith_suite.run("--model", "orcale", "-n", "2")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: unknown model 'orcale'; did you mean*"])


def test_tasks_named_on_the_command_line_reach_the_workers(
    pytester: pytest.Pytester,
) -> None:
    result = pytester.runpytest_subprocess(
        "--tasks", "gsm8k,mme", "--sample", "--model", "oracle", "-n", "2"
    )

    result.assert_outcomes(passed=34)


def test_documents_are_not_run_by_each_worker(arith_suite: ArithSuite) -> None:
    result = arith_suite.run(
        "--model", "oracle", "-n", "2", "--dist", "each", "--gate", "exact_match>=2"
    )

    result.assert_outcomes(passed=6, failed=1)
    assert arith_suite.score() == 1.0
