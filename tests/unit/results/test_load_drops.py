from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from pytest_evalkit.results.baseline import Baseline
from pytest_evalkit.results.drops import Drops
from pytest_evalkit.results.gate_verdicts import judge_all
from pytest_evalkit.results.gates import parse_gates
from pytest_evalkit.results.recorded import RecordedRun
from pytest_evalkit.results.schema import GateDict
from pytest_evalkit.stats.request_times import RequestTimes
from tests.unit.results.loaded_runs import PATTERN, answered, failed, judged, results


def drop(
    text: str,
    now: Sequence[RequestTimes],
    then: Sequence[RequestTimes],
    **changes: Any,
) -> GateDict:
    """Judge a gate on a drop; further keys are those of the baseline's load."""
    earlier, found = results(then, **changes), results(now)
    run = RecordedRun(label="then", path=Path("then"), results=earlier, samples={})
    drops = Drops(Baseline(run=run), run, lambda _task: None, lambda *_: "nobody")  # type: ignore[arg-type,return-value]  # no answers are asked for
    (gate,) = judge_all(parse_gates(text), found, {}, drops)
    return gate


@pytest.mark.parametrize(
    ("text", "verdict", "value"),
    [
        ("drop(ttft_ms.p95)<=20", "pass", 20.0),
        ("drop(ttft_ms.p95)<=19", "fail", 20.0),
        ("drop(ttft_ms.p95)<=20%", "pass", 0.2),
        ("drop(ttft_ms.p95)<=19.9%", "fail", 0.2),
        ("drop(output_throughput)<=25%", "pass", 0.25),
        ("drop(error_rate)<=0", "pass", 0.0),
    ],
)
def test_a_rise_of_latency_is_a_drop(text: str, verdict: str, value: float) -> None:
    gate = drop(text, [answered(120.0)] * 150, [answered(100.0)] * 200)

    assert gate["verdict"] == verdict
    assert gate["value"] == pytest.approx(value)


def test_a_fall_of_throughput_is_a_drop() -> None:
    gate = drop("drop(request_throughput)<=10", [answered()] * 150, [answered()] * 200)

    assert (gate["verdict"], gate["value"], gate["baseline"]) == ("fail", 50.0, 200.0)
    assert "a fall of 50" in gate["message"]


@pytest.mark.parametrize(
    ("text", "changes", "reason"),
    [
        (
            "drop(ttft_ms.p95)<=20",
            {"load_pattern": {**PATTERN, "concurrency": 4}},
            "was under another load: concurrency was 4 and is 8",
        ),
        ("drop(osl_tokens.mean)<=20", {}, "neither more nor less is worse"),
        ("drop(ttfo_ms.p95)<=20", {}, "not known of this run"),
    ],
)
def test_what_cannot_be_compared_fails(
    text: str, changes: dict[str, Any], reason: str
) -> None:
    gate = drop(text, [answered()] * 150, [answered()] * 150, **changes)

    assert gate["verdict"] == "fail"
    assert reason in gate["message"]


def test_a_baseline_of_too_few_requests_decides_nothing() -> None:
    gate = drop("drop(ttft_ms.p95)<=20", [answered()] * 150, [answered()] * 20)

    assert gate["verdict"] == "inconclusive"
    assert "of the baseline: a p95 needs 130" in gate["message"]


def test_without_a_baseline_a_rise_is_inconclusive() -> None:
    gate = judged("drop(ttft_ms.p95)<=20", results([answered()] * 150))

    assert gate["verdict"] == "inconclusive"
    assert "--baseline" in gate["message"]


def test_a_drop_in_per_cent_is_of_load_only() -> None:
    found = results([answered()] * 20)
    row = {
        "metric": "acc",
        "filter": "none",
        "value": 0.5,
        "stderr": None,
        "ci95": None,
        "n": 9,
        "higher_is_better": True,
    }
    found["aggregates"]["chat"] = [cast("Any", row)]
    found["coverage"]["chat"] = {**found["coverage"]["chat"], "scored": 9}

    gate = judged("drop(acc)<=5%", found)

    assert gate["verdict"] == "fail"
    assert "figures of load only" in gate["message"]


def test_what_was_0_has_no_share_that_it_may_be_worse_by() -> None:
    some = [answered()] * 99 + [failed()]

    worse = drop("drop(error_rate)<=50%", some, [answered()] * 100)
    same = drop("drop(error_rate)<=50%", [answered()] * 100, [answered()] * 100)

    assert (worse["verdict"], worse["value"]) == ("fail", None)
    assert (same["verdict"], same["value"]) == ("pass", 0.0)


def test_a_drop_of_errors_that_is_allowed_lets_no_more_requests_fail() -> None:
    now = [answered()] * 140 + [failed()] * 20
    gates = [*parse_gates("ttft_ms.p95<=500"), *parse_gates("drop(error_rate)<=0.5")]

    verdicts = [gate["verdict"] for gate in judge_all(gates, results(now), {})]

    assert verdicts == ["fail", "inconclusive"]
