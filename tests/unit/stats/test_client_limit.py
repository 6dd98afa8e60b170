from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.stats.client_limit import client_limit


def figures(
    ttft_ms: float | None = 200.0,
    e2el_ms: float | None = 900.0,
    achieved_qps: float | None = 10.0,
    sent: int = 50,
    peak: int = 4,
) -> dict[str, Any]:
    return {
        "metrics": {"ttft_ms": {"p50": ttft_ms}, "e2el_ms": {"p50": e2el_ms}},
        "n_requests": {"successful": sent, "errored": 0},
        "achieved_qps": achieved_qps,
        "peak_concurrency": peak,
    }


@pytest.mark.parametrize(("lag_ms", "saturated"), [(20.0, False), (20.1, True)])
def test_a_client_late_by_a_tenth_of_the_first_token_is_the_limit(
    lag_ms: float, saturated: bool
) -> None:
    assert client_limit(figures(), lag_ms, None, None)[0] is saturated


def test_where_nothing_is_streamed_lag_is_held_against_the_latency() -> None:
    saturated, reason = client_limit(figures(ttft_ms=None), 100.0, None, None)

    assert saturated
    assert (
        reason == "its event loop was 100.0 ms late (p99), and e2el_ms.p50 is 900.0 ms"
    )


def test_lag_beside_nothing_measured_says_nothing() -> None:
    told = client_limit(figures(ttft_ms=None, e2el_ms=None), 100.0, None, None)

    assert told == (False, None)


def test_a_rate_that_nothing_held_back_is_the_client_s() -> None:
    saturated, reason = client_limit(figures(), None, 20.0, None)

    assert saturated
    assert reason == "10.0 requests per second were sent of 20"


def test_a_rate_that_the_cap_held_back_is_not() -> None:
    saturated, reason = client_limit(figures(), None, 20.0, 4)

    assert not saturated
    assert reason == (
        "10.0 requests per second were sent of 20: --max-concurrency 4 held them back"
    )


@pytest.mark.parametrize(
    "seen",
    [figures(achieved_qps=19.0), figures(achieved_qps=None), figures(sent=19)],
)
def test_nearly_the_rate_or_too_few_to_tell_is_no_limit(seen: dict[str, Any]) -> None:
    assert client_limit(seen, None, 20.0, None) == (False, None)
