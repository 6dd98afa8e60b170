"""``--predict-only``: answers are recorded, and nothing is scored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_GATE = [{"metric": "exact_match", "min": 2.0}]


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_answers_are_recorded_without_a_metric(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    arith_suite.task(gate=_GATE)

    result = arith_suite.run("--model", "oracle", "--predict-only", *workers)

    results = arith_suite.results()
    samples = arith_suite.samples()
    assert result.ret == 0
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(
        [
            "answers were recorded and not scored (--predict-only)",
            "arith  6/6 answered",
            "results  results/oracle/*",
        ]
    )
    assert results["predict_only"]
    assert results["complete"]
    assert results["aggregates"] == {"arith": []}
    assert results["gates"] == []
    assert results["results"]["arith"] == {
        "alias": "arith",
        "samples": 6,
        "sample_len": 6,
    }
    assert results["coverage"]["arith"] == {
        "original": 6,
        "selected": 6,
        "scored": 0,
        "errors": 0,
        "skipped": 0,
        "answered": 6,
    }
    assert [sample["status"] for sample in samples] == ["answered"] * 6
    assert [sample["filtered_resps"] for sample in samples] == [
        *("0", "2", "4", "6", "8", "10")
    ]
    assert all(sample["metrics"] == [] for sample in samples)


def test_what_scoring_needs_may_be_missing(arith_suite: ArithSuite) -> None:
    arith_suite.task(metric_list=[{"metric": "no_such_metric"}], needs=["judge"])

    result = arith_suite.run("--model", "oracle", "--predict-only")

    result.assert_outcomes(passed=6)


def test_a_request_that_fails_is_an_error_all_the_same(arith_suite: ArithSuite) -> None:
    arith_suite.model(
        "def answer(request):\n"
        "    if request.origin.doc_id == 3:\n"
        "        raise RequestRejectedError('no')\n"
        "    return target_of(request)\n"
    )

    result = arith_suite.run("--predict-only")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["arith  5/6 answered, 1 in error"])


@pytest.mark.parametrize("option", ["--gate=exact_match>=1", "--fail-wrong"])
def test_options_of_scores_are_refused(arith_suite: ArithSuite, option: str) -> None:
    result = arith_suite.run("--model", "oracle", "--predict_only", option)

    assert result.ret == 4
    name = option.partition("=")[0]
    result.stderr.fnmatch_lines([f"ERROR: --predict-only scores nothing, * {name} *"])


def test_cases_in_python_are_skipped(arith_suite: ArithSuite) -> None:
    arith_suite.write("test_it.py", "def test_it(record_score):\n    assert False\n")

    result = arith_suite.run("test_it.py", "--predict-only", "-rs")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*--predict-only: a case in Python cannot be *"])


def test_answers_are_taken_where_a_run_is_resumed(arith_suite: ArithSuite) -> None:
    arith_suite.model(
        "def answer(request):\n"
        "    with open('asked.txt', 'a') as asked:\n"
        "        print(request.origin.doc_id, file=asked)\n"
        "    if request.origin.doc_id == 3 and not os.path.exists('mended'):\n"
        "        raise RequestRejectedError('no')\n"
        "    return target_of(request)\n"
    )
    arith_suite.run("arith", "--predict-only")
    arith_suite.write("mended", "")

    resumed = ("--resume", "last", "--rerun-errors")
    result = arith_suite.run("arith", "--predict-only", *resumed)

    assert result.ret == 0
    result.stdout.fnmatch_lines(["arith  6/6 answered"])
    assert arith_suite.noted("asked.txt").count("3") == 2
    assert len(arith_suite.noted("asked.txt")) == 7
