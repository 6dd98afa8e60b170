from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.results.gate_verdicts import judge_all
from pytest_evalkit.results.gates import gates_of_task, parse_gates
from pytest_evalkit.stats.request_times import RequestTimes
from tests.unit.results.loaded_runs import answered, failed, judged, results


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
    found = results(
        [answered()] * 200, client={"saturated": True, "reason": "it was late"}
    )

    gate = judged(text, found)

    assert gate["verdict"] == verdict
    assert ("was at its limit: it was late" in gate["message"]) is (verdict != "pass")


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
    # (1.959964 + 0.841621)^2 is 7.848880; times 0.025 * 0.975 / 0.005^2 is 7652.7.
    assert unsure["documents"] == 7653
    assert "some 7,653 requests would decide it" in unsure["message"]


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
    found = results([answered(float(n)) for n in range(1, 201)], is_conservative=True)

    seen, below, above, few = (
        judged(text, found)
        for text in (
            "ttft_ms.p95<=190",
            "ttft_ms.p95<=197",
            "ttft_ms.p95<=198",
            "ttft_ms.p99<=500",
        )
    )

    # At most 3 of 200 lie above the true percentile in 0.9 of 100 runs, at most 4 in 2.6:
    # so it is the third largest of ..., 198, 199, 200.
    assert (seen["verdict"], seen["value"]) == ("fail", 198.0)
    assert "ttft_ms.p95 is at most 198, and was 190" in seen["message"]
    assert (below["verdict"], above["verdict"]) == ("fail", "pass")
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


def test_a_load_that_ended_as_it_was_asked_to_is_judged() -> None:
    requests = [answered()] * 200

    gate = judged("ttft_ms.p95<=500", results(requests, complete=False, ended="time"))

    assert gate["verdict"] == "pass"


@pytest.mark.parametrize(
    ("requests", "reason"),
    [
        ([], "no request was sent"),
        ([failed()] * 20, "none of 20 requests succeeded"),
    ],
)
def test_where_nothing_was_answered_no_time_passes(
    requests: list[RequestTimes], reason: str
) -> None:
    gate = judged("e2el_ms.p50<=500", results(requests))

    assert gate["verdict"] == "fail"
    assert reason in gate["message"]
