from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_NOTED = (
    "def answer(request):\n    Path('asked').touch()\n    return target_of(request)\n"
)
_MISSPELT = "no task has a metric 'exact_macht'; did you mean 'exact_match'?"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-n", "2"),
        ("--early-stop",),
        ("--shard", "1/2"),
        ("--limit", "1", "--gate-partial"),
        ("--collect-only",),
    ],
)
def test_a_gate_on_no_metric_costs_no_request(
    arith_suite: ArithSuite, arguments: tuple[str, ...]
) -> None:
    arith_suite.model("from pathlib import Path\n" + _NOTED)

    result = arith_suite.run("--gate", "exact_macht>=0.1", *arguments)

    told = [line for line in (*result.outlines, *result.errlines) if _MISSPELT in line]
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told == [f"ERROR: gate 'exact_macht>=0.1': {_MISSPELT}"]
    assert not (arith_suite.root / "asked").exists()
    assert not arith_suite.folders


@pytest.mark.parametrize(
    ("gate", "line"),
    [
        ("arht:exact_match>=0.1", "no task 'arht' is run; did you mean 'arith'?"),
        ("exact_match,nome>=0.1", "*has no filter 'nome'; did you mean 'none'?"),
        (
            "ttft_ms.p96<=500",
            "the run has no 'ttft_ms.p96'; did you mean 'ttft_ms.p99'?",
        ),
    ],
)
def test_a_gate_on_no_task_filter_or_time_is_refused(
    arith_suite: ArithSuite, gate: str, line: str
) -> None:
    result = arith_suite.run("--model", "oracle", "--gate", gate)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: gate '{gate}': {line}"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_gate_in_a_file_is_told_with_its_line(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    path = arith_suite.task(gate=[{"metric": "exact_macht", "min": 0.1}])
    (number,) = [
        number
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if "exact_macht" in line
    ]

    result = arith_suite.run("--model", "oracle", *workers)

    output = "\n".join((*result.outlines, *result.errlines))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert output.count(f"arith.yaml:{number}: gate 'exact_macht >= 0.1': ") == 1


def test_a_gate_in_the_ini_file_may_be_about_other_tasks(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.ini("evalkit_gates =", "    other:acc>=0.5", "    exact_match>=0.1")
    others = arith_suite.run("--model", "oracle")
    arith_suite.ini("evalkit_gates =", "    exact_macht>=0.1")

    misspelt = arith_suite.run("--model", "oracle")

    assert others.ret == pytest.ExitCode.TESTS_FAILED
    assert misspelt.ret == pytest.ExitCode.USAGE_ERROR


def test_a_deselected_task_may_have_gates(arith_suite: ArithSuite) -> None:
    arith_suite.task("more", gate=[{"metric": "nothing_like_it", "min": 0.1}])

    result = arith_suite.run(
        "--model", "oracle", "-k", "arith", "--gate", "exact_match>=0.1"
    )

    assert result.ret == 0
    result.assert_outcomes(passed=7, deselected=6)


def test_a_resumed_run_refuses_a_gate_and_keeps_what_it_has(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.run("--model", "oracle")
    before = arith_suite.results()

    result = arith_suite.run(
        "--model", "oracle", "--resume", "last", "--gate", "exact_macht>=0.1"
    )

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{_MISSPELT}"])
    assert arith_suite.results() == before


def test_a_file_that_cannot_be_read_is_told_rather_than_its_gates(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.write("broken/broken.yaml", "task: broken\noutput_type: nothing\n")

    result = arith_suite.run("--model", "oracle", "--gate", "broken:acc>=0.1")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*unknown output_type 'nothing'*"])


def test_cases_may_record_what_a_gate_names(arith_suite: ArithSuite) -> None:
    arith_suite.write(
        "test_sky.py",
        "def test_sky(record_score):\n    record_score('brightness', 1.0)\n",
    )

    result = arith_suite.run(
        *("--model", "oracle", "--gate", "brightness>=1"),
        *("--gate", "test_sky:brightness>=1", "--gate", "exact_match>=1"),
    )

    assert result.ret == 0
