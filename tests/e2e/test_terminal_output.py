from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_SIXTH = ("--model", "constant", "--model-args", "text='2'")


def test_the_table_has_value_error_and_coverage(arith_suite: ArithSuite) -> None:
    result = arith_suite.run(*_SIXTH)

    result.stdout.fnmatch_lines(
        [
            "*= evaluation =*",
            "Task*Metric*n*Value*Stderr*Coverage",
            "arith  exact_match ↑  6  0.1667  ± 0.1667       6/6",
            "results  results/constant/*/results.json",
            "report   results/constant/*/report.html",
            "*= 6 passed in *",
        ]
    )


def test_verbose_shows_the_score_of_each_document(arith_suite: ArithSuite) -> None:
    result = arith_suite.run(*_SIXTH, "-v")

    result.stdout.fnmatch_lines(
        [
            "arith/arith.yaml::arith?q0? exact_match,none=0 *16%*",
            "arith/arith.yaml::arith?q1? exact_match,none=1 *33%*",
            "arith/arith.yaml::arith?q5? exact_match,none=0 *100%*",
        ]
    )


def test_percentages_of_workers_end_at_a_hundred(arith_suite: ArithSuite) -> None:
    result = arith_suite.run(*_SIXTH, "-v", "-n", "2")

    result.stdout.fnmatch_lines(["*100%* exact_match,none=* arith/*"])
    assert "200%" not in result.stdout.str()
    assert "[ 33%]" in result.stdout.str()


def test_quiet_is_quiet_and_still_tells_the_figures(arith_suite: ArithSuite) -> None:
    result = arith_suite.run(*_SIXTH, "-q")

    text = result.stdout.str()
    assert "arith?q0" not in text
    assert "0.1667" in text
    assert "6 passed" in text


def test_prints_of_a_task_are_seen_without_capturing(arith_suite: ArithSuite) -> None:
    arith_suite.model("def answer(request):\n    print('asked')\n    return '2'\n")

    result = arith_suite.run("-s")

    assert result.ret == 0
    assert result.stdout.str().count("asked") == 6


def test_slow_documents_can_be_listed(arith_suite: ArithSuite) -> None:
    arith_suite.model(
        "import asyncio\n"
        "async def answer(request):\n"
        "    await asyncio.sleep(0.05 if request.origin.doc_id == 4 else 0)\n"
        "    return '2'\n"
    )

    result = arith_suite.run("--durations=1", "--durations-min=0")

    result.stdout.fnmatch_lines(
        ["*slowest 1 durations*", "*s call     arith/arith.yaml::arith?q4?"]
    )


def test_documents_that_passed_are_listed_on_request(arith_suite: ArithSuite) -> None:
    result = arith_suite.run(*_SIXTH, "-rA")

    result.stdout.fnmatch_lines(["*arith/arith.yaml::arith?q1?"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_junit_has_one_case_a_document_and_a_gate(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    arith_suite.run(
        *_SIXTH, "--junitxml", "junit.xml", "--gate", "exact_match>=0.1", *workers
    )

    suite = ET.parse(arith_suite.root / "junit.xml").getroot()[0]
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert set(cases) == {
        *(f"arith[q{n}]" for n in range(6)),
        "gate[exact_match >= 0.1]",
    }
    assert suite.get("tests") == "7"
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")


def test_junit_has_the_scores_of_each_document(arith_suite: ArithSuite) -> None:
    arith_suite.run(*_SIXTH, "--junitxml", "junit.xml")

    cases = ET.parse(arith_suite.root / "junit.xml").getroot()[0].iter("testcase")
    values = {
        case.get("name"): entry.get("value")
        for case in cases
        for entry in case.iter("property")
        if entry.get("name") == "exact_match,none"
    }
    assert values == {f"arith[q{n}]": ("1.0" if n == 1 else "0.0") for n in range(6)}


def test_junit_tells_why_a_document_is_in_error(arith_suite: ArithSuite) -> None:
    arith_suite.model("def answer(request): raise RequestRejectedError('too long')")

    arith_suite.run("--junitxml", "junit.xml", "--limit", "1")

    (failure,) = ET.parse(arith_suite.root / "junit.xml").iter("failure")
    assert "no answer: too long" in str(failure.text)


def test_failures_are_headed_by_the_document(arith_suite: ArithSuite) -> None:
    arith_suite.model("def answer(request): raise RequestRejectedError('too long')")

    result = arith_suite.run("--limit", "1")

    result.stdout.fnmatch_lines(
        [
            "*= FAILURES =*",
            "*_ arith?q0? _*",
            "no answer: too long",
            "FAILED arith/arith.yaml::arith?q0? - no answer: too long",
        ]
    )


def test_an_incomplete_run_says_so(arith_suite: ArithSuite) -> None:
    arith_suite.model(
        "def answer(request):\n"
        "    if request.origin.doc_id == 1: raise RequestRejectedError('too long')\n"
        "    return '2'\n"
    )

    result = arith_suite.run("-x")

    result.stdout.fnmatch_lines(["*the run is not complete*"])
    assert arith_suite.results()["complete"] is False


def test_a_log_gets_whole_lines_of_progress(
    arith_suite: ArithSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_evalkit.plugin.progress._PLAIN_LINE_S", 0.0)

    result = arith_suite.run(*_SIXTH)

    result.stdout.fnmatch_lines(
        ["arith 2/6  exact_match 0.500 ± 0.500*docs/s", "arith 6/6  exact_match 0.167*"]
    )


def test_a_narrow_terminal_gets_a_table_that_fits(
    arith_suite: ArithSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "a_task_with_quite_a_long_name_for_a_table"
    arith_suite.task(name)
    monkeypatch.setenv("COLUMNS", "60")

    result = arith_suite.run(*_SIXTH, name)

    rows = [line for line in result.outlines if "0.1667" in line]
    assert rows
    assert max(map(len, rows)) <= 60


def test_no_terminal_at_all_does_no_harm(arith_suite: ArithSuite) -> None:
    result = arith_suite.run(*_SIXTH, "-p", "no:terminal")

    assert result.ret == 0
    assert arith_suite.results()["complete"] is True
