from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

# A sixth of the sums have this answer.
_SIXTH = ("--model", "constant", "--model-args", "text='2'")


@pytest.mark.parametrize(
    ("gate", "status"),
    [
        ("exact_match>=0.1", 0),
        ("arith:exact_match>=0.1", 0),
        ("arith:exact_match,none > 0.16", 0),
        ("exact_match<=0.2", 0),
        ("exact_match>=0.2", 1),
        ("exact_match<0.1", 1),
    ],
)
def test_a_gate_decides_the_exit_status(
    arith_suite: ArithSuite, gate: str, status: int
) -> None:
    result = arith_suite.run(*_SIXTH, "--gate", gate)

    (judged,) = arith_suite.results()["gates"]
    assert result.ret == status
    assert judged["verdict"] == ("pass", "fail")[status]
    counted = {"passed": 7} if status == 0 else {"passed": 6, "failed": 1}
    result.assert_outcomes(**counted)


def test_a_gate_shows_value_and_bound(arith_suite: ArithSuite) -> None:
    result = arith_suite.run(*_SIXTH, "--gate", "exact_match>=0.2")

    result.stdout.fnmatch_lines(
        [
            "gate fail*arith: exact_match >= 0.2 (*is 0.166667, *n=6*>= 0.2*)",
            "FAILED arith/arith.yaml::gate?exact_match >= 0.2?*",
        ]
    )
    assert arith_suite.results()["gates"] == [
        {
            "task": "arith",
            "metric": "exact_match",
            "filter": "none",
            "condition": "exact_match >= 0.2",
            "value": pytest.approx(1 / 6),
            "bound": 0.2,
            "verdict": "fail",
            "message": "exact_match,none is 0.166667, 95 % from 0.0301 to "
            "0.5635 (n=6); the gate is >= 0.2; the interval has the bound in it: some "
            "1,178 documents would decide it",
            "n": 6,
            "interval": [
                pytest.approx(0.0301, abs=1e-4),
                pytest.approx(0.5635, abs=1e-4),
            ],
            "level": 0.95,
            "documents": 1178,
            "baseline": None,
            "p_value": None,
        }
    ]


@pytest.mark.parametrize(("bound", "status"), [(0.1, 0), (0.2, 1)])
def test_a_gate_can_stand_in_the_task_file(
    arith_suite: ArithSuite, bound: float, status: int
) -> None:
    arith_suite.task(gate=[{"metric": "exact_match", "min": bound}])

    result = arith_suite.run(*_SIXTH)

    assert result.ret == status


@pytest.mark.parametrize(("bound", "status"), [(0.1, 0), (0.2, 1)])
def test_a_gate_can_stand_in_the_ini_file(
    arith_suite: ArithSuite, bound: float, status: int
) -> None:
    arith_suite.ini("evalkit_gates =", f"    exact_match>={bound}")

    result = arith_suite.run(*_SIXTH)

    assert result.ret == status


def test_all_gates_are_judged(arith_suite: ArithSuite) -> None:
    arith_suite.task(gate=[{"metric": "exact_match", "min": 0.1, "max": 0.9}])

    result = arith_suite.run(
        *_SIXTH, "--gate", "exact_match>=0.3", "--gate", "exact_match>=0.01"
    )

    verdicts = {
        gate["condition"]: gate["verdict"] for gate in arith_suite.results()["gates"]
    }
    result.assert_outcomes(passed=9, failed=1)
    assert verdicts == {
        "exact_match >= 0.3": "fail",
        "exact_match >= 0.01": "pass",
        "exact_match >= 0.1": "pass",
        "exact_match <= 0.9": "pass",
    }


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ((), 1),
        (("--gate-inconclusive", "warn"), 0),
        (("--gate-inconclusive", "fail"), 1),
        (("--limit", "2"), 0),
    ],
)
def test_a_confidence_asks_for_proof(
    arith_suite: ArithSuite, arguments: tuple[str, ...], status: int
) -> None:
    result = arith_suite.run(*_SIXTH, "--gate", "exact_match>=0.1@0.95", *arguments)

    (gate,) = arith_suite.results()["gates"]
    assert result.ret == status
    assert gate["verdict"] == "inconclusive"
    assert gate.get("unproven", False) == ("--limit" not in arguments)


@pytest.mark.parametrize(
    "part", [("-k", "multiply"), ("--limit", "2"), ("--shard", "1/2")]
)
def test_a_part_of_the_documents_leaves_a_gate_unjudged(
    arith_suite: ArithSuite, part: tuple[str, str]
) -> None:
    result = arith_suite.run(*_SIXTH, "--gate", "exact_match>=0.99", "-rs", *part)

    assert result.ret == 0
    assert result.parseoutcomes()["skipped"] == 1
    result.stdout.fnmatch_lines(
        [
            "gate inconclusive*of 6 documents were selected*",
            "SKIPPED*of 6 documents were*",
        ]
    )


def test_a_gate_on_a_part_is_judged_if_asked(arith_suite: ArithSuite) -> None:
    result = arith_suite.run(
        *_SIXTH, "--gate", "exact_match>=0.4", "--limit", "2", "--gate-partial"
    )

    assert result.ret == 0
    result.assert_outcomes(passed=3, deselected=4)
    assert arith_suite.results()["gates"][0]["value"] == 0.5


@pytest.mark.parametrize(
    ("gate", "line"),
    [
        ("exact_match=0.5", "*a gate reads*not 'exact_match=0.5'*"),
        ("exact_match>=high", "*a gate reads*"),
        (">=0.5", "*a gate reads*"),
        ("exact_match>=nan", "*a gate reads*"),
    ],
)
def test_a_misspelt_gate_is_a_usage_error(
    arith_suite: ArithSuite, gate: str, line: str
) -> None:
    result = arith_suite.run(*_SIXTH, "--gate", gate)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([line])
    assert not (arith_suite.root / "results").exists()


def test_documents_in_error_fail_a_gate_that_would_hold(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.model(
        "def answer(request):\n"
        "    if request.origin.doc_id == 2: raise RequestRejectedError('no')\n"
        "    return target_of(request)\n"
    )

    result = arith_suite.run("--gate", "exact_match>=0.5", "--max-errors", "3")

    (gate,) = arith_suite.results()["gates"]
    assert result.ret == 1
    assert gate["verdict"] == "fail"
    assert gate["message"].startswith("only 5 of 6 documents have a score (1 in error")


def test_a_gate_that_holds_is_listed_on_request(arith_suite: ArithSuite) -> None:
    result = arith_suite.run(*_SIXTH, "--gate", "exact_match>=0.1", "-rA")

    result.stdout.fnmatch_lines(
        ["GATE HOLDS arith/arith.yaml::gate?exact_match >= 0.1?"]
    )


def test_gates_are_judged_on_the_controller(arith_suite: ArithSuite) -> None:
    arith_suite.task(gate=[{"metric": "exact_match", "min": 0.1}])

    result = arith_suite.run(
        *_SIXTH, "--gate", "exact_match>=0.2", "-n", "2", "--junitxml", "junit.xml"
    )

    names = [
        case.get("name")
        for case in ET.parse(arith_suite.root / "junit.xml").iter("testcase")
    ]
    assert result.ret == 1
    result.assert_outcomes(passed=7, failed=1)
    assert [gate["value"] for gate in arith_suite.results()["gates"]] == [
        pytest.approx(1 / 6)
    ] * 2
    assert names.count("gate[exact_match >= 0.2]") == 1
    assert names.count("gate[exact_match >= 0.1]") == 1


def test_a_gate_holds_for_every_task_with_its_metric(arith_suite: ArithSuite) -> None:
    arith_suite.task("more")

    result = arith_suite.run("--model", "oracle", "--gate", "exact_match>=0.9")

    gates = arith_suite.results()["gates"]
    result.assert_outcomes(passed=14)
    assert [gate["task"] for gate in gates] == ["arith", "more"]
