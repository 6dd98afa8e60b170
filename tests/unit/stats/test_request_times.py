from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from pytest_evalkit.errors import OptionError
from pytest_evalkit.stats.floors import conservative_percentile, sample_floor
from pytest_evalkit.stats.goals import GoodRequests, parse_goals
from pytest_evalkit.stats.load_figures import load_figures
from pytest_evalkit.stats.request_times import METRICS, RequestTimes
from tests.unit.fuzzing import fuzz

# Planned at 0.9 s, sent at 1.0; thought at 1.1, text at 1.14 and 1.16, done at 1.18.
STREAMED = RequestTimes(
    status="successful",
    planned_at=0.9,
    sent_at=1.0,
    ended_at=1.18,
    ttft_s=0.1,
    ttfo_s=0.14,
    gaps_sum_s=0.06,
    input_tokens=7,
    output_tokens=5,
)
WHOLE = RequestTimes(
    status="successful", planned_at=0, sent_at=0, ended_at=2, output_tokens=9
)


def took(
    start: float, end: float, status: str = "successful", **fields: object
) -> RequestTimes:
    return RequestTimes(
        status=status,  # type: ignore[arg-type]
        planned_at=start,
        sent_at=start,
        ended_at=end,
        **fields,  # type: ignore[arg-type]
    )


def test_every_figure_of_a_streamed_answer_follows_from_its_times() -> None:
    figures = {name: value(STREAMED) for name, value in METRICS.items()}

    assert figures == pytest.approx(
        {
            "ttft_ms": 100,
            "ttfo_ms": 140,
            "tpot_ms": (180 - 100) / 4,
            "itl_ms": 60 / 4,
            "e2el_ms": 180,
            "e2el_including_queue_ms": 280,
            "client_queue_ms": 100,
            "isl_tokens": 7,
            "osl_tokens": 5,
        }
    )


def test_what_was_not_streamed_has_its_latency_alone() -> None:
    figures = {name: value(WHOLE) for name, value in METRICS.items()}

    known = {name: value for name, value in figures.items() if value is not None}
    assert known == {
        "e2el_ms": 2000,
        "e2el_including_queue_ms": 2000,
        "client_queue_ms": 0,
        "osl_tokens": 9,
    }


@pytest.mark.parametrize(
    ("tokens", "gaps_sum_s"),
    [(0, None), (1, None), (1, 0.1), (None, 0.2), (5, None)],
)
def test_time_between_tokens_needs_two_tokens_and_two_fragments(
    tokens: int | None, gaps_sum_s: float | None
) -> None:
    one = took(0, 1, ttft_s=0.2, gaps_sum_s=gaps_sum_s, output_tokens=tokens)

    assert (one.tpot_ms, one.itl_ms) == (None, None)


def test_failures_and_dropped_turns_have_no_part_in_latency() -> None:
    skipped = [
        RequestTimes(status="skipped", planned_at=2, conversation="k", turn=turn)
        for turn in (3, 4)
    ]
    turns = [
        took(0, 2, conversation="k", turn=1),
        took(2, 12, "errored", conversation="k", turn=2),
        *skipped,
    ]

    figures = load_figures(turns)

    assert figures["metrics"]["e2el_ms"]["n"] == 1
    assert figures["metrics"]["e2el_ms"]["p50"] == 2000
    assert figures["error_rate"] == 0.5
    assert figures["duration_s"] == 12
    assert figures["conversations"]["dropped_turns"] == 2
    assert figures["conversations"]["conversations_per_s"] == 0
    assert figures["conversations"]["conversation_e2e_s"]["n"] == 0


def test_rates_are_over_the_time_from_first_sent_to_last_ended() -> None:
    requests = [
        took(1, 3, input_tokens=10, output_tokens=4),
        took(2, 5, input_tokens=20, output_tokens=6),
        took(3, 4, "errored"),
        took(3, 5, "incomplete"),
    ]

    figures = load_figures(requests)

    assert figures["n_requests"] == {
        "successful": 2,
        "errored": 1,
        "incomplete": 1,
        "skipped": 0,
    }
    assert figures["duration_s"] == 4
    assert figures["request_throughput"] == 0.5
    assert figures["output_throughput"] == 2.5
    assert figures["total_token_throughput"] == 10
    assert figures["error_rate"] == pytest.approx(1 / 3)
    assert figures["achieved_qps"] == 1.5
    # The first ends as the last two are sent.
    assert figures["peak_concurrency"] == 3


def test_a_token_count_that_is_missing_leaves_no_rate() -> None:
    figures = load_figures([took(0, 1, output_tokens=4), took(0, 1)])

    assert figures["output_throughput"] is None
    assert figures["metrics"]["osl_tokens"]["n"] == 1


def test_of_nothing_nothing_is_zero_but_counts() -> None:
    figures = load_figures([], {"ttft_ms": 5})

    assert figures["peak_concurrency"] == 0
    assert figures["conversations"] is None
    for name in (
        *("error_rate", "duration_s", "request_throughput", "output_throughput"),
        *("request_goodput", "good_request_fraction", "achieved_qps"),
    ):
        assert figures[name] is None
    assert figures["metrics"]["ttft_ms"] == {
        "n": 0,
        "mean": None,
        "std": None,
        "min": None,
        "max": None,
        **dict.fromkeys(("p50", "p90", "p95", "p99")),
    }


def test_a_fast_failing_server_has_no_good_requests() -> None:
    figures = load_figures([took(0, 1, "errored")] * 250, {"e2el_ms": 500})

    assert figures["good_request_fraction"] == 0
    assert figures["request_goodput"] == 0
    assert figures["error_rate"] == 1


def test_good_requests_meet_every_goal() -> None:
    requests = [
        took(0, 1, ttft_s=0.5),
        took(0, 1, ttft_s=0.6),
        took(0, 3, ttft_s=0.1),
        took(0, 1, "errored"),
        took(0, 1, "incomplete"),
    ]

    figures = load_figures(requests, parse_goals("ttft:500 e2el:2000"))

    assert figures["good_request_fraction"] == 0.25
    assert figures["request_goodput"] == pytest.approx(1 / 3)


def test_a_goal_for_what_nobody_measured_is_undefined() -> None:
    good = GoodRequests({"ttft_ms": 500})

    good.add(WHOLE)
    before = good.count
    good.add(STREAMED)

    assert (before, good.count) == (None, 2)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ttfx:5", "unknown goal 'ttfx'; did you mean 'ttfo'|'ttft'"),
        ("ttft:0", "milliseconds above 0, got 'ttft:0'"),
        ("ttft:nan", "milliseconds above 0"),
        ("ttft", "milliseconds above 0, got 'ttft'"),
        ("ttft:5 ttft:6", "there twice"),
        (" ", "got none"),
    ],
)
def test_a_goal_of_another_form_is_told(text: str, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        parse_goals(text)


def test_conversations_are_summed_up_by_turn() -> None:
    requests = [
        took(0, 1, ttft_s=0.1, output_tokens=10, conversation="a", turn=1),
        took(3, 4, ttft_s=0.3, output_tokens=20, conversation="a", turn=2),
        took(0, 2, ttft_s=0.2, output_tokens=30, conversation="b", turn=1),
    ]

    figures = load_figures(requests)["conversations"]

    assert figures["n_conversations"] == 2
    assert figures["conversations_per_s"] == 0.5
    assert figures["conversation_e2e_s"]["mean"] == 3
    assert figures["turns_per_conversation"]["mean"] == 1.5
    # 60 tokens in 1 + 1 + 2 seconds: the two of the tool are left out.
    assert figures["e2e_avg_interactivity"] == 15
    assert list(figures["ttft_ms_by_turn"]) == ["1", "2"]
    assert figures["ttft_ms_by_turn"]["1"]["mean"] == pytest.approx(150)
    assert list(figures["e2el_ms_by_turn"]) == ["1", "2"]
    assert figures["ttft_ms_first_turn"]["n"] == 2
    assert figures["ttft_ms_last_turn"]["mean"] == pytest.approx(250)


@pytest.mark.parametrize(
    ("percent", "floor"),
    [
        *[(50, 11), (75, 24), (80, 31), (90, 64)],
        *[(95, 130), (97, 219), (99, 662), (99.9, 6636)],
    ],
)
def test_floors_are_those_of_early_stopping(percent: float, floor: int) -> None:
    assert sample_floor(percent) == floor
    above = 1 - percent / 100
    assert binom.cdf(1, floor, above) <= 0.01 < binom.cdf(1, floor - 1, above)


def test_the_conservative_percentile_is_a_higher_order_statistic() -> None:
    values = list(range(10_000, 0, -1))

    assert conservative_percentile(values, 99) == 10_000 - 76
    assert conservative_percentile(list(range(129)), 95) is None
    assert conservative_percentile(list(range(130)), 95) == 129


@fuzz(100)
@given(st.integers(11, 400), st.integers(10, 90))
def test_the_conservative_percentile_is_rarely_exceeded(n: int, percent: int) -> None:
    value = conservative_percentile(range(n, 0, -1), percent)

    if value is None:
        assert n < sample_floor(percent)
        return
    rank = n - int(value) + 1
    above = 1 - percent / 100
    assert binom.cdf(rank, n, above) <= 0.01 + 1e-9
    assert binom.cdf(rank + 1, n, above) > 0.01 - 1e-9


@pytest.mark.parametrize("percent", [0, 100, -1])
def test_a_percentile_out_of_range_has_no_floor(percent: float) -> None:
    with pytest.raises(ValueError, match="above 0 and below 100"):
        sample_floor(percent)
