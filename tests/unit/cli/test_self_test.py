from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.cli.self_test import Truth, compared
from pytest_evalkit.stats.load_figures import load_figures
from pytest_evalkit.stats.request_times import RequestStatus, RequestTimes

# Four tokens: the first after 200 ms, then one every 100 ms; two at a time.
TRUTH = Truth(ttft_s=0.2, inter_token_s=0.1, tokens=4, concurrency=2, requests=4)


def figures(
    ttft_s: float = 0.2, status: RequestStatus = "successful"
) -> dict[str, Any]:
    requests = [
        RequestTimes(
            status="successful" if number else status,
            sent_at=start,
            ended_at=start + ttft_s + 0.3,
            ttft_s=ttft_s,
            gaps_sum_s=0.3,
            output_tokens=4,
        )
        for number, start in enumerate((0.0, 0.0, ttft_s + 0.3, ttft_s + 0.3))
    ]
    return load_figures(requests)


def test_a_perfect_client_reports_what_is_true() -> None:
    assert TRUTH.figures() == pytest.approx(
        {
            "ttft_ms.p50": 200,
            "itl_ms.p50": 100,
            "e2el_ms.p50": 500,
            "request_throughput": 4,
        }
    )
    lines, is_good = compared(TRUTH, figures())
    assert is_good
    assert lines == [
        "4 requests, 2 in flight, 0 failed",
        "                     true  reported    off",
        "ttft_ms.p50         200.0     200.0  +0.0%",
        "itl_ms.p50          100.0     100.0  +0.0%",
        "e2el_ms.p50         500.0     500.0  +0.0%",
        "request_throughput    4.0       4.0  +0.0%",
    ]


@pytest.mark.parametrize(("ttft_s", "is_good"), [(0.219, True), (0.221, False)])
def test_a_tenth_off_is_too_much(ttft_s: float, is_good: bool) -> None:
    assert compared(TRUTH, figures(ttft_s))[1] is is_good


def test_a_request_that_failed_is_too_much() -> None:
    lines, is_good = compared(TRUTH, figures(status="errored"))

    assert not is_good
    assert lines[0] == "4 requests, 2 in flight, 1 failed"


def test_the_last_round_may_be_a_part_of_one() -> None:
    truth = TRUTH._replace(requests=5)

    assert truth.figures()["request_throughput"] == pytest.approx(5 / 1.5)


def test_one_token_has_no_time_between_tokens() -> None:
    assert "itl_ms.p50" not in TRUTH._replace(tokens=1).figures()
