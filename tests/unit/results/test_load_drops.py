from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
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
from tests.unit.results.recorded_runs import timed


def with_samples(
    text: str, now: Sequence[float], then: Sequence[float], *others: str
) -> list[GateDict]:
    """Judge gates on drops of runs whose documents took so many milliseconds."""
    lines = [
        [timed(n, took / 1000) for n, took in enumerate(each)] for each in (then, now)
    ]
    asked = [
        [answered(sent_at=0.0, ended_at=took / 1000) for took in each]
        for each in (then, now)
    ]
    samples: Any = {"sums": lines[0]}
    run = RecordedRun(
        label="then", path=Path("then"), results=results(asked[0]), samples=samples
    )
    read: Any = lines[1]
    drops = Drops(
        Baseline(run=run),
        run,
        lambda _task: None,  # type: ignore[arg-type,return-value]  # no answers are asked for
        lambda *_: "nobody",
        lambda: read,
    )
    gates = [gate for each in (text, *others) for gate in parse_gates(each)]
    return judge_all(gates, results(asked[1]), {}, drops)


def noisy(seed: int, count: int, factor: float = 1.0) -> list[float]:
    random = Random(seed)
    return [factor * 100 * random.lognormvariate(0, 0.5) for _ in range(count)]


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


def test_a_latency_that_is_surely_too_much_higher_fails() -> None:
    then = noisy(1, 150)

    (gate,) = with_samples("drop(e2el_ms.p50)<=5%", [1.3 * took for took in then], then)

    assert gate["verdict"] == "fail"
    assert gate["value"] == pytest.approx(0.3)
    assert gate["interval"] == pytest.approx((0.3, 0.3))
    assert gate["p_value"] == 2 / 2001
    assert gate["n"] == 150
    assert "a rise of 30 %, 95 % from 30 % to 30 %, p = 0.0010" in gate["message"]
    assert "n=150 and 150, paired bootstrap" in gate["message"]


def test_a_rise_that_may_be_chance_is_inconclusive() -> None:
    # The same server twice; the second run's documents happened to take longer.
    (gate,) = with_samples("drop(e2el_ms.p95)<=0", noisy(5, 150), noisy(3, 150))

    assert gate["verdict"] == "inconclusive"
    assert gate["value"] is not None
    assert gate["value"] > 0
    assert gate["interval"] is not None
    assert gate["interval"][0] < 0 < gate["interval"][1]
    assert "the rise is not significant" in gate["message"]
    assert "unproven" not in gate


def test_a_rise_within_what_is_allowed_passes_however_sure() -> None:
    then = noisy(1, 150)

    (gate,) = with_samples(
        "drop(e2el_ms.mean)<=40% @ 0.99", [1.3 * t for t in then], then
    )

    assert (gate["verdict"], gate["p_value"]) == ("pass", 2 / 2001)


def test_a_latency_of_too_few_requests_decides_nothing() -> None:
    then = noisy(1, 60)

    (gate,) = with_samples("drop(e2el_ms.p90)<=5%", [1.3 * took for took in then], then)

    assert gate["verdict"] == "inconclusive"
    assert gate["p_value"] is None
    assert "a p90 needs 64" in gate["message"]


def test_a_mean_of_too_few_requests_to_test_it_decides_nothing() -> None:
    then = noisy(1, 10)

    (gate,) = with_samples(
        "drop(e2el_ms.mean)<=5%", [1.3 * took for took in then], then
    )

    assert gate["verdict"] == "inconclusive"
    assert "not tested: 11 successful requests are needed" in gate["message"]
    assert "unproven" not in gate


def test_the_tests_of_several_latencies_are_adjusted_together() -> None:
    then = noisy(1, 150)
    now = [1.3 * took for took in then]

    gates = with_samples("drop(e2el_ms.p50)<=5%", now, then, "drop(e2el_ms.mean)<=5%")

    assert [gate["p_value"] for gate in gates] == pytest.approx([2 * 2 / 2001] * 2)


def test_a_confidence_asks_for_a_test() -> None:
    now, then = [answered(120.0)] * 150, [answered(100.0)] * 150

    plain = drop("drop(ttft_ms.p95)<=5", now, then)
    sure = drop("drop(ttft_ms.p95)<=5 @ 0.9", now, then)
    of_rate = drop("drop(request_throughput)<=1 @ 0.9", now[:50], then)

    assert plain["verdict"] == "fail"
    assert (sure["verdict"], sure["unproven"]) == ("inconclusive", True)
    assert "not tested: there are no samples of then" in sure["message"]
    assert (of_rate["verdict"], of_rate["unproven"]) == ("inconclusive", True)
    assert "only means and percentiles" in of_rate["message"]
