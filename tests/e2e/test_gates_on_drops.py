"""Runs held against a baseline: an earlier run, or a file of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.cli import main

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_RIGHT = "def answer(request): return Response(text=target_of(request))"
_WRONG = "def answer(request): return Response(text='no idea')"


@pytest.fixture
def baseline(arith_suite: ArithSuite) -> str:
    """Write the baseline of a model that is always right."""
    arith_suite.task()
    arith_suite.model(_RIGHT)
    arith_suite.run()
    file = str(arith_suite.root / "baselines" / "arith.yaml")
    assert main(["baseline", "update", str(arith_suite.folders[-1]), file]) == 0
    return file


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_run_that_is_worse_than_its_baseline_fails(
    arith_suite: ArithSuite, baseline: str, workers: tuple[str, ...]
) -> None:
    arith_suite.model(_WRONG)

    result = arith_suite.run("--baseline", baseline, "--max-drop", "0.1", *workers)

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["gate fail*drop(exact_match) <= 0.1 (*was 1 and is 0: a drop of 1, *"]
    )


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_the_same_model_again_passes(
    arith_suite: ArithSuite, baseline: str, workers: tuple[str, ...]
) -> None:
    arith_suite.task(gate=[{"metric": "exact_match", "max_drop": 0}])

    result = arith_suite.run("--baseline", baseline, *workers)

    assert result.ret == 0
    result.stdout.fnmatch_lines(["gate pass*drop(exact_match) <= 0 (*a drop of 0, *"])


def test_a_run_folder_is_a_baseline_too(arith_suite: ArithSuite, baseline: str) -> None:
    folder = str(arith_suite.folders[-1])
    arith_suite.model(_WRONG)

    result = arith_suite.run("--baseline", folder, "--gate", "drop(exact_match)<=0.1")

    assert result.ret == 1
    assert "documents were asked otherwise" not in result.stdout.str()


def test_without_a_baseline_the_gate_of_a_task_is_inconclusive(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task(gate=[{"metric": "exact_match", "max_drop": 0}])

    warned = arith_suite.run("--model", "oracle")
    failed = arith_suite.run("--model", "oracle", "--gate-inconclusive", "fail")

    assert (warned.ret, failed.ret) == (0, 1)
    warned.stdout.fnmatch_lines(["gate inconclusive*there is no baseline*"])
    failed.stdout.fnmatch_lines(["FAILED*gate?drop(exact_match) <= 0?*"])


def test_a_baseline_that_was_damaged_fails_the_gate_and_loses_nothing(
    arith_suite: ArithSuite, baseline: str
) -> None:
    (arith_suite.root / "baselines" / "arith.yaml").write_text("evalkit_baseline: 1\n")

    result = arith_suite.run("--baseline", baseline, "--max-drop", "1")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["gate fail*is a damaged baseline*"])
    assert arith_suite.results()["complete"] is True


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--max-drop", "0.1"), "*--max-drop compares with an earlier run*"),
        (("--baseline", "nowhere"), "*--baseline*nowhere*there is no such*"),
        (("--max-drop", "-1", "--baseline", "x"), "*--max-drop*0 or above*"),
        (("--gate-inconclusive", "ignore"), "*--gate-inconclusive*fail or warn*"),
    ],
)
def test_wrong_options_are_usage_errors(
    arith_suite: ArithSuite, options: tuple[str, ...], line: str
) -> None:
    result = arith_suite.run("--model", "oracle", *options)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([line])


def test_figures_of_the_run_may_be_gated(arith_suite: ArithSuite) -> None:
    result = arith_suite.run(
        *("--model", "oracle", "--gate", "throughput.documents_per_s>0"),
        *("--gate", "coverage>=1", "--gate", "latency.p91_s<=600"),
    )

    gates = {g["condition"]: g["verdict"] for g in arith_suite.results()["gates"]}
    assert result.ret == 1
    assert gates == {
        "throughput.documents_per_s > 0": "pass",
        "coverage >= 1": "pass",
        "latency.p91_s <= 600": "fail",
    }
