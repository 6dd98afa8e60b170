from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from pytest_evalkit.cli.command import main
from pytest_evalkit.serving import BadRequestError
from tests.e2e.conftest import solve, sums

if TYPE_CHECKING:
    from pytest_evalkit.mockserver import MockServer
    from tests.e2e.conftest import ArithSuite, Start


def solve_six(payload: Mapping[str, Any]) -> str:
    """Answer six questions, and refuse all others at once."""
    answer = solve(payload)
    if answer.isdigit() and int(answer) >= 12:
        raise BadRequestError("overloaded")
    return answer


def asking(server: MockServer) -> tuple[str, ...]:
    return "--model", "openai", "--model-args", f"model=m,base_url={server.url}"


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
@pytest.mark.parametrize(("size", "verdict"), [(129, "inconclusive"), (130, "pass")])
def test_a_percentile_is_judged_from_its_floor_on(
    arith_suite: ArithSuite,
    start: Start,
    size: int,
    verdict: str,
    workers: tuple[str, ...],
) -> None:
    arith_suite.task(rows=sums(size), gate=[{"metric": "exact_match", "min": 0.9}])
    arith_suite.ini("evalkit_gates =", "    error_rate==0")
    model = asking(start())

    result = arith_suite.run(
        *model,
        *("--measure-latency", "--gate", "ttft_ms.p95<=60000", "--junitxml=junit.xml"),
        *workers,
    )

    gates = {gate["condition"]: gate for gate in arith_suite.results()["gates"]}
    cases = {
        case.get("name"): case
        for case in ET.parse(arith_suite.root / "junit.xml").iter("testcase")
    }
    told = {
        one.get("name"): one.get("value")
        for one in cases["gate[ttft_ms.p95 <= 60000]"].iter("property")
    }
    assert result.ret == 0
    assert {name: gate["verdict"] for name, gate in gates.items()} == {
        "error_rate == 0": "pass",
        "ttft_ms.p95 <= 60000": verdict,
        "exact_match >= 0.9": "pass",
    }
    assert gates["ttft_ms.p95 <= 60000"]["n"] == size
    assert (told["verdict"], told["n"]) == (verdict, str(size))
    result.stdout.fnmatch_lines(
        [
            "gate pass*error_rate == 0*",
            f"gate {verdict}*ttft_ms.p95*(n={size}, of 130 at least)*",
            "gate pass*arith: exact_match >= 0.9*",
        ]
    )


def test_an_endpoint_that_fails_fast_is_never_green(
    arith_suite: ArithSuite, start: Start
) -> None:
    gates = [{"metric": "e2el_ms.p50", "max": 60_000}]
    arith_suite.task(rows=sums(256), gate=gates)
    tolerant = ("--max-errors", "256")

    result = arith_suite.run(
        *asking(start(solve_six)), *tolerant, "--gate", "error_rate<=0.01"
    )

    verdicts = [gate["verdict"] for gate in arith_suite.results()["gates"]]
    assert result.ret == 1
    assert verdicts == ["fail", "fail"]
    result.stdout.fnmatch_lines(
        [
            "gate fail*error_rate <= 0.01*error_rate is 0.976562*(n=256)*",
            "gate fail*arith: e2el_ms.p50*97.7 % of the requests failed; *n=6*",
        ]
    )


def test_latency_is_held_against_an_earlier_run_of_the_same_load(
    arith_suite: ArithSuite, start: Start
) -> None:
    arith_suite.task(rows=sums(70))
    model = asking(start())
    gate = ("--gate", "drop(e2el_ms.p90)<=60000", "--gate-conservative")
    arith_suite.run(*model, "--max-concurrency", "4")
    baseline = ("--baseline", str(arith_suite.folders[0]), *gate)

    same = arith_suite.run(*model, "--max-concurrency", "4", *baseline)
    first = arith_suite.results()
    other = arith_suite.run(*model, "--max-concurrency", "5", *baseline)

    (passed,), (refused,) = first["gates"], arith_suite.results()["gates"]
    assert (same.ret, other.ret) == (0, 1)
    assert passed["verdict"] == "pass"
    assert passed["baseline"] is not None
    assert "was under another load" in refused["message"]
    assert first["load"]["metrics"]["e2el_ms"]["conservative"]["p90"] is not None


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_slower_endpoint_is_told_from_chance(
    arith_suite: ArithSuite,
    start: Start,
    capsys: pytest.CaptureFixture[str],
    workers: tuple[str, ...],
) -> None:
    arith_suite.task(rows=sums(20))
    quick, slow = start(), start(latency_s=2.0)
    in_flight = ("--max-concurrency", "20", *workers)
    arith_suite.run(*asking(quick), *in_flight)
    folders = arith_suite.folders
    gate = ("--baseline", str(folders[0]), "--gate", "drop(e2el_ms.p50)<=100 @ 0.99")

    result = arith_suite.run(*asking(slow), *in_flight, *gate)
    capsys.readouterr()
    compared = main(["compare", *map(str, arith_suite.folders)])

    (failed,) = arith_suite.results()["gates"]
    assert (result.ret, compared) == (1, 0)
    assert failed["verdict"] == "fail"
    assert failed["p_value"] < 0.01
    assert failed["interval"][0] > 0
    assert "n=20 and 20, paired bootstrap" in failed["message"]
    lines = capsys.readouterr().out.splitlines()
    median = next(line for line in lines if line.startswith("e2el_ms.p50"))
    assert median.endswith("slower")
