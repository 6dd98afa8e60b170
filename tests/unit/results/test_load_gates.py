from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.results.baseline import Baseline
from pytest_evalkit.results.drops import Drops
from pytest_evalkit.results.gate_verdicts import judge_all
from pytest_evalkit.results.gates import gates_of_task, parse_gates
from pytest_evalkit.results.recorded import RecordedRun
from pytest_evalkit.results.schema import GateDict, ResultsDict
from pytest_evalkit.stats.load_figures import load_figures
from pytest_evalkit.stats.request_times import RequestTimes

PATTERN = {"name": "concurrency", "is_asked": True, "concurrency": 8}


def answered(ttft_ms: float = 100.0, **changes: Any) -> RequestTimes:
    facts = {
        "status": "successful",
        "sent_at": 0.0,
        "ended_at": 1.0,
        "ttft_s": ttft_ms / 1000,
        "input_tokens": 10,
        "output_tokens": 400,
    }
    return RequestTimes(**{**facts, **changes})


def failed() -> RequestTimes:
    return RequestTimes(status="errored", sent_at=0.0, ended_at=0.001)


def load_of(requests: Sequence[RequestTimes], **changes: Any) -> dict[str, Any]:
    goals = {"ttft_ms": 500.0}
    return {**load_figures(requests, goals), "load_pattern": PATTERN, **changes}


def results(
    requests: Sequence[RequestTimes],
    *others: str,
    complete: bool = True,
    **changes: Any,
) -> ResultsDict:
    names = ("chat", *others)
    counts = {"original": 9, "selected": 9, "scored": 8, "errors": 1, "skipped": 0}
    found = {
        "complete": complete,
        "aggregates": {name: [] for name in names},
        "group_subtasks": {},
        "coverage": dict.fromkeys(names, counts),
        "latency": {},
        "usage": {},
        "throughput": {},
        "task_hashes": dict.fromkeys(names, "f"),
        "load": load_of(requests, **changes),
    }
    return cast("ResultsDict", found)


def judged(text: str, found: ResultsDict, **partial: str) -> GateDict:
    (gate,) = judge_all(parse_gates(text), found, partial)
    return gate


def turns(lengths: Sequence[int], planned: int) -> list[RequestTimes]:
    """Conversations of which so many turns were answered, the rest dropped."""
    return [
        answered(100.0 * turn, conversation=f"c{number}", turn=turn)
        if turn <= length
        else RequestTimes(status="skipped", conversation=f"c{number}", turn=turn)
        for number, length in enumerate(lengths)
        for turn in range(1, planned + 1)
    ]


@pytest.mark.parametrize(
    ("text", "verdict", "value"),
    [
        # 200 times of 1, 2, ... 200 ms: the 95th percentile is the 190th.
        ("ttft_ms.p95<=190", "pass", 190.0),
        ("ttft_ms.p95<=189.9", "fail", 190.0),
        ("ttft_ms.p50<=100", "pass", 100.0),
        ("ttft_ms.mean<101", "pass", 100.5),
        ("ttft_ms.max<200", "fail", 200.0),
        ("e2el_ms.p90<=1000", "pass", 1000.0),
        ("error_rate<=0.01", "pass", 0.0),
        ("error_rate==0", "pass", 0.0),
        ("good_request_fraction>=0.95", "pass", 1.0),
        ("output_throughput>=80000", "pass", 80_000.0),
        ("output_throughput>=80001", "fail", 80_000.0),
        ("n_requests.successful>=200", "pass", 200.0),
        ("peak_concurrency<=200", "pass", 200.0),
    ],
)
def test_gates_name_figures_of_the_requests(
    text: str, verdict: str, value: float
) -> None:
    found = results([answered(float(n)) for n in range(1, 201)])

    gate = judged(text, found)

    assert gate["verdict"] == verdict
    assert gate["value"] == pytest.approx(value)
    assert gate["task"] == ""


@pytest.mark.parametrize(
    ("text", "verdict", "value"),
    [
        ("dropped_turns==0", "fail", 2.0),
        ("dropped_turns<=2", "pass", 2.0),
        ("n_conversations>=70", "pass", 70.0),
        # Of those turns that are last and were answered: 68 of 70.
        ("ttft_ms_last_turn.p90<=300", "pass", 300.0),
        ("ttft_ms_by_turn.2.p50<=200", "pass", 200.0),
        ("ttft_ms_first_turn.p95<=100", "inconclusive", 100.0),
    ],
)
def test_gates_name_figures_of_conversations(
    text: str, verdict: str, value: float
) -> None:
    found = results(turns([3] * 68 + [2] * 2, planned=3))

    gate = judged(text, found)

    assert gate["verdict"] == verdict
    assert gate["value"] == value


@pytest.mark.parametrize(("size", "verdict"), [(129, "inconclusive"), (130, "pass")])
def test_a_percentile_needs_enough_successes(size: int, verdict: str) -> None:
    gate = judged("ttft_ms.p95<=500", results([answered()] * size))

    assert gate["verdict"] == verdict
    assert f"ttft_ms.p95 is 100 (n={size}, of 130 at least)" in gate["message"]
    assert gate["n"] == size
    assert ("unproven" in gate) is False


@pytest.mark.parametrize(
    ("percent", "floor"), [(50, 11), (90, 64), (95, 130), (99, 662)]
)
def test_floors_are_those_of_the_field(percent: int, floor: int) -> None:
    few = judged(f"e2el_ms.p{percent}<=1", results([answered()] * (floor - 1)))
    enough = judged(f"e2el_ms.p{percent}<=1", results([answered()] * floor))

    assert (few["verdict"], enough["verdict"]) == ("inconclusive", "fail")
    assert f"needs {floor} successful requests" in few["message"]


@pytest.mark.parametrize("text", ["ttft_ms.p95<=500", "e2el_ms.mean<=5000"])
def test_an_endpoint_that_fails_fast_is_never_green(text: str) -> None:
    requests = [answered()] * 6 + [failed()] * 250

    gate = judged(text, results(requests))

    assert gate["verdict"] == "fail"
    assert gate["message"].startswith("97.7 % of the requests failed; ")
    assert "more than 5 % of the requests failed" in gate["message"]


def test_failures_are_no_matter_for_what_counts_them() -> None:
    found = results([answered()] * 6 + [failed()] * 250)

    rate = judged("error_rate<=0.01", found)
    throughput = judged("request_throughput>=7", found)

    assert (rate["verdict"], rate["n"]) == ("fail", 256)
    assert (throughput["verdict"], throughput["value"]) == ("fail", 6.0)


@pytest.mark.parametrize(("errors", "verdict"), [(7, "pass"), (8, "fail")])
def test_a_few_failures_do_not_fail_a_time(errors: int, verdict: str) -> None:
    # 7 of 147 are 4.8 %, 8 of 148 are 5.4 %.
    gate = judged("ttft_ms.p95<=500", results([answered()] * 140 + [failed()] * errors))

    assert gate["verdict"] == verdict


def test_a_gate_may_say_that_more_requests_may_fail() -> None:
    found = results([answered()] * 140 + [failed()] * 20)
    gates = [*parse_gates("ttft_ms.p95<=500"), *parse_gates("error_rate<=0.2")]

    verdicts = [gate["verdict"] for gate in judge_all(gates, found, {})]

    assert verdicts == ["pass", "pass"]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("ttft_ms.p95<=500", "inconclusive"),
        ("ttft_ms.p95<=5", "inconclusive"),
        ("output_throughput>=1", "inconclusive"),
        ("error_rate<=0.01", "pass"),
    ],
)
def test_where_the_client_was_the_limit_the_server_is_not_judged(
    text: str, verdict: str
) -> None:
    found = results([answered()] * 200, client={"saturated": True})

    gate = judged(text, found)

    assert gate["verdict"] == verdict
    assert ("client was at its limit" in gate["message"]) is (verdict != "pass")


def test_a_range_is_two_gates() -> None:
    found = results([answered()] * 20)

    gates = judge_all(parse_gates("osl_tokens.mean between 355 434"), found, {})
    far = judge_all(parse_gates("osl_tokens.mean between 401 and 434"), found, {})

    assert [gate["verdict"] for gate in gates] == ["pass", "pass"]
    assert [gate["verdict"] for gate in far] == ["fail", "pass"]
    assert gates[1]["condition"] == "osl_tokens.mean <= 434"


@pytest.mark.parametrize(
    "text",
    [
        "osl_tokens.mean between 434 355",
        "osl_tokens.mean between 1",
        "osl_tokens.mean between low high",
        "drop(acc) between 1 2",
        "dropped_turns==0@0.95",
        "acc<=20%",
    ],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(OptionError):
        parse_gates(text)


def test_a_share_of_requests_has_an_interval() -> None:
    found = results([answered()] * 195 + [failed()] * 5)

    sure, unsure, wrong = (
        judged(f"error_rate<={bound}@0.95", found) for bound in (0.06, 0.03, 0.01)
    )

    # Wilson's of 5 of 200: from 0.0107 to 0.0572.
    assert sure["interval"] == pytest.approx((0.0107, 0.0572), abs=1e-4)
    assert [gate["verdict"] for gate in (sure, unsure, wrong)] == [
        "pass",
        "inconclusive",
        "fail",
    ]
    assert unsure.get("unproven")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("ttft_ms.p75<=5", "did you mean 'ttft_ms.p95'"),
        ("ttft_ms<=5", "the run has no 'ttft_ms'; did you mean 'ttft_ms."),
        ("ttft_ms.p95,none<=5", "have no filter"),
        ("ttf_ms.p95<=5", "no metric 'ttf_ms.p95'"),
    ],
)
def test_a_name_that_is_not_there_fails_with_what_is_meant(
    text: str, hint: str
) -> None:
    gate = judged(text, results([answered()] * 200))

    assert gate["verdict"] == "fail"
    assert hint in gate["message"]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("ttft_ms.p95<=5", "--measure-latency"),
        ("output_throughput>=5", "counts tokens"),
        ("osl_tokens.mean>=5", "counts tokens"),
        ("client_queue_ms.p50<=5", "not known of this run"),
    ],
)
def test_what_was_not_measured_fails(text: str, hint: str) -> None:
    requests = [answered(ttft_s=None, output_tokens=None)] * 200

    gate = judged(text, results(requests))

    assert (gate["verdict"], gate["value"]) == ("fail", None)
    assert hint in gate["message"]


def test_a_conservative_percentile_decides_where_there_is_one() -> None:
    found = results([answered(float(n)) for n in range(1, 201)])
    found["load"]["metrics"]["ttft_ms"]["conservative"] = {"p95": 197.0, "p99": None}

    below, above, few = (
        judged(text, found)
        for text in ("ttft_ms.p95<=190", "ttft_ms.p95<=197", "ttft_ms.p99<=500")
    )

    assert (below["verdict"], below["value"]) == ("fail", 197.0)
    assert "ttft_ms.p95 is at most 197, and was 190" in below["message"]
    assert above["verdict"] == "pass"
    assert few["verdict"] == "inconclusive"


def test_a_part_and_a_broken_run_are_not_judged_as_the_whole() -> None:
    requests = [answered()] * 200

    part = judged("ttft_ms.p95<=500", results(requests), chat="3 of 9 were selected")
    broken = judged("ttft_ms.p95<=500", results(requests, complete=False))

    assert (part["verdict"], broken["verdict"]) == ("inconclusive", "fail")
    assert "3 of 9" in part["message"]


def test_the_gate_of_a_task_is_about_the_run_where_it_ran_alone() -> None:
    gates = gates_of_task("chat", [{"metric": "ttft_ms.p95", "max": 500}])
    requests = [answered()] * 200

    (alone,) = judge_all(gates, results(requests), {})
    (beside,) = judge_all(gates, results(requests, "other"), {})

    assert (alone["task"], alone["verdict"]) == ("chat", "pass")
    assert (beside["task"], beside["verdict"]) == ("chat", "inconclusive")
    assert "'other' ran too" in beside["message"]


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
