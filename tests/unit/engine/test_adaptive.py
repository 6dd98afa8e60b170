from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from pytest_evalkit.engine.adaptive import AdaptiveLimit, AdaptivePolicy, Decision

GOOD_S = 5.0


def fill(limit: AdaptiveLimit, latency_s: float | None, count: int) -> list[Decision]:
    """Let requests end the same way, all sent now; collect what was decided."""
    decisions = (limit.completed(limit.epoch, latency_s, now=0.0) for _ in range(count))
    return [decision for decision in decisions if decision is not None]


def window(limit: AdaptiveLimit) -> int:
    return max(4, limit.limit)


def test_the_limit_grows_by_one_until_twenty_and_then_by_a_tenth() -> None:
    limit = AdaptiveLimit(AdaptivePolicy(), 8)
    seen = [limit.limit]

    for _ in range(16):
        fill(limit, GOOD_S, window(limit))
        seen.append(limit.limit)

    assert seen == [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 24, 26, 28]


def test_one_refusal_in_a_window_of_twenty_is_a_cut() -> None:
    limit = AdaptiveLimit(AdaptivePolicy(), 20)

    decision = limit.refused(limit.epoch, others=19, now=0.0)

    assert decision == Decision(14, "1 of 20 refused")


def test_one_refusal_in_a_window_of_forty_is_no_cut_but_a_step_back() -> None:
    limit = AdaptiveLimit(AdaptivePolicy(), 40)

    at_once = limit.refused(limit.epoch, others=30, now=0.0)
    decisions = fill(limit, GOOD_S, 40 + 30)

    assert at_once is None
    assert decisions == [Decision(30, "one was refused beside 30")]


def test_a_growth_that_was_too_much_is_taken_back_at_once() -> None:
    limit = AdaptiveLimit(AdaptivePolicy(), 40)

    decision = limit.refused(limit.epoch, others=39, now=0.0)

    assert decision == Decision(39, "one was refused beside 39")
    assert fill(limit, GOOD_S, 3 * 39) == []


def test_a_step_back_is_never_more_than_a_cut() -> None:
    limit = AdaptiveLimit(AdaptivePolicy(), 40)

    limit.refused(limit.epoch, others=2, now=0.0)
    fill(limit, GOOD_S, 40)

    assert limit.limit == 28


@pytest.mark.parametrize(
    ("latency_s", "expected"),
    [(12.74, 22), (12.76, 20), (16.4, 20), (16.6, 14)],
)
def test_latency_is_held_against_the_target(latency_s: float, expected: int) -> None:
    limit = AdaptiveLimit(AdaptivePolicy(target_latency_s=15.0), 20)

    fill(limit, latency_s, 20)

    assert limit.limit == expected


@pytest.mark.parametrize(
    ("latency_s", "expected"), [(5.9, 22), (6.1, 20), (19.9, 20), (20.1, 14)]
)
def test_what_is_late_and_early_can_be_said(latency_s: float, expected: int) -> None:
    policy = AdaptivePolicy(target_latency_s=10.0, early_factor=0.6, late_factor=2.0)
    limit = AdaptiveLimit(policy, 20)

    fill(limit, latency_s, 20)

    assert limit.limit == expected


@pytest.mark.parametrize(("calm", "expected"), [(1.0, 44), (0.5, 40), (0.0, 40)])
def test_how_many_may_fail_while_it_grows_can_be_said(
    calm: float, expected: int
) -> None:
    policy = AdaptivePolicy(failure_threshold=0.05, calm_failures=calm)
    limit = AdaptiveLimit(policy, 40)

    fill(limit, None, 2)
    fill(limit, GOOD_S, 38)

    assert limit.limit == expected


def test_a_window_is_as_long_as_is_said_where_few_are_in_flight() -> None:
    limit = AdaptiveLimit(AdaptivePolicy(least_window=9), 2)

    before = fill(limit, GOOD_S, 8)
    after = fill(limit, GOOD_S, 1)

    assert (before, after) == ([], [Decision(3, "all well")])


@pytest.mark.parametrize(("least", "expected"), [(0.02, 35), (0.03, 49)])
def test_how_many_may_be_refused_at_least_can_be_said(
    least: float, expected: int
) -> None:
    policy = AdaptivePolicy(failure_threshold=0.0, least_refusals=least)
    limit = AdaptiveLimit(policy, 50)

    # One of fifty is two in a hundred.
    limit.refused(limit.epoch, others=49, now=0.0)

    assert limit.limit == expected


def test_the_slowest_twentieth_does_not_count() -> None:
    limit = AdaptiveLimit(AdaptivePolicy(), 20)

    fill(limit, 900.0, 1)
    fill(limit, GOOD_S, 19)

    assert limit.limit == 22


@pytest.mark.parametrize(("failed", "expected"), [(1, 44), (2, 40), (3, 28)])
def test_failures_hold_the_limit_and_then_cut_it(failed: int, expected: int) -> None:
    limit = AdaptiveLimit(AdaptivePolicy(failure_threshold=0.05), 40)

    fill(limit, None, failed)
    fill(limit, GOOD_S, 40 - failed)

    assert limit.limit == expected


def test_a_window_without_any_success_is_a_cut_and_never_below_the_minimum() -> None:
    limit = AdaptiveLimit(AdaptivePolicy(minimum=3), 5)

    fill(limit, None, 5)
    first = limit.limit
    fill(limit, None, 4)
    fill(limit, None, 4)

    assert (first, limit.limit) == (3, 3)


def test_growth_ends_at_the_maximum() -> None:
    limit = AdaptiveLimit(AdaptivePolicy(maximum=21), 20)

    fill(limit, GOOD_S, 20 + 21 + 21)

    assert limit.limit == 21


def test_the_maximum_bounds_the_beginning_too() -> None:
    assert AdaptiveLimit(AdaptivePolicy(maximum=16), 64).limit == 16


def test_senseless_constants_are_moved_into_their_range() -> None:
    policy = AdaptivePolicy(
        minimum=0,
        maximum=-1,
        target_latency_s=0.0,
        increase_step=0.0,
        decrease_factor=2.0,
        failure_threshold=7.0,
    ).sanitised()

    assert policy == AdaptivePolicy(
        minimum=1,
        maximum=1,
        target_latency_s=0.1,
        increase_step=0.01,
        decrease_factor=0.95,
        failure_threshold=1.0,
    )
    assert AdaptivePolicy(decrease_factor=0.0).sanitised().decrease_factor == 0.1


def test_what_was_sent_before_a_cut_is_not_counted_after_it() -> None:
    limit = AdaptiveLimit(AdaptivePolicy(), 20)
    before = limit.epoch
    limit.refused(before, others=19, now=0.0)

    for _ in range(19):
        limit.completed(before, None, now=0.0)

    assert limit.limit == 14
    assert fill(limit, GOOD_S, 14) == [Decision(15, "all well")]


def refuse_beyond(limit: AdaptiveLimit, capacity: int, now: float) -> None:
    """Send as many as may be, of which the endpoint refuses those beyond."""
    sent = limit.epoch
    for others in range(capacity, limit.limit):
        limit.refused(sent, others=others, now=now)


@pytest.mark.parametrize(("start", "expected"), [(64, 30), (256, 29), (35, 22)])
def test_a_burst_of_refusals_is_one_cut_to_what_the_endpoint_bore(
    start: int, expected: int
) -> None:
    limit = AdaptiveLimit(AdaptivePolicy(maximum=256), start)

    refuse_beyond(limit, 32, now=0.0)

    assert limit.limit == expected


def test_an_endpoint_that_refuses_everything_is_not_taken_for_a_small_one() -> None:
    limit = AdaptiveLimit(AdaptivePolicy(), 64)

    refuse_beyond(limit, 0, now=0.0)

    assert limit.limit == 44
    assert fill(limit, GOOD_S, 44) == [Decision(48, "all well")]


def test_after_a_refusal_growth_ends_at_what_the_endpoint_bore_for_a_while() -> None:
    limit = AdaptiveLimit(AdaptivePolicy(hold_s=30.0), 64)
    refuse_beyond(limit, 32, now=100.0)

    for _ in range(9):
        for _ in range(window(limit)):
            limit.completed(limit.epoch, 0.1, now=129.0)
    held = limit.limit
    for _ in range(window(limit)):
        limit.completed(limit.epoch, 0.1, now=131.0)

    assert (held, limit.limit) == (32, 35)


def test_an_endpoint_that_bears_two_is_not_asked_three_at_once_again() -> None:
    limit = AdaptiveLimit(AdaptivePolicy(), 8)

    refuse_beyond(limit, 2, now=0.0)
    refuse_beyond(limit, 2, now=0.0)
    refuse_beyond(limit, 2, now=0.0)
    decisions = fill(limit, GOOD_S, 40)

    assert (limit.limit, decisions) == (2, [])


def learned(latency: list[float], start: int, **constants: float) -> list[int]:
    """Follow a limit whose target is learned, through windows of equal latencies."""
    limit = AdaptiveLimit(AdaptivePolicy(target_latency_s=None, **constants), start)  # type: ignore[arg-type]  # all are numbers
    limits = []
    for seconds in latency:
        fill(limit, seconds, window(limit))
        limits.append(limit.limit)
    return limits


def test_long_answers_are_no_reason_to_ask_less() -> None:
    limits = learned([60.0] * 40, start=8)

    assert limits == sorted(limits)
    assert limits[-1] == 128


def test_answers_that_become_longer_cost_no_more_than_one_cut() -> None:
    limits = learned([1.0] * 5 + [60.0] * 20, start=40)

    cuts = [b for a, b in pairwise(limits) if b < a]
    assert len(cuts) == 1
    assert limits[-1] > limits[4]


def test_an_endpoint_that_slows_down_under_load_is_asked_less() -> None:
    limit = AdaptiveLimit(AdaptivePolicy(target_latency_s=None), 8)
    limits = []

    for _ in range(200):
        fill(limit, 0.1 * max(1.0, limit.limit / 16), window(limit))
        limits.append(limit.limit)

    # Sixteen at once take 0.1 s; three times that is reached at 48, with some play.
    assert 30 < max(limits[50:]) < 70
    assert min(limits[50:]) > 16


def test_answers_of_very_different_length_do_not_drive_the_limit_down() -> None:
    rng = Random(5)
    limit = AdaptiveLimit(AdaptivePolicy(target_latency_s=None), 16)

    for _ in range(20_000):
        limit.completed(limit.epoch, rng.lognormvariate(3.0, 0.8), now=0.0)

    assert limit.limit > 16


def test_the_minimum_is_learned_at_too() -> None:
    limits = learned([0.1] * 3 + [9.0] * 6, start=1)

    assert limits[-1] > 1


@pytest.mark.parametrize(
    ("constants", "expected"),
    [
        # 0.1 s, smoothed with 1.0 s by a fifth, are 0.28 s: less than three times the
        # best, more than twice.
        ({}, 19),
        ({"auto_factor": 2.0}, 13),
        # By a half they are 0.55 s.
        ({"auto_weight": 0.5}, 13),
    ],
)
def test_what_a_learned_target_rests_on_can_be_said(
    constants: dict[str, float], expected: int
) -> None:
    assert learned([0.1, 1.0], start=18, **constants) == [19, expected]


@pytest.mark.parametrize(("relief", "expected"), [(0.5, 10), (1.0, 16)])
def test_how_much_a_cut_must_help_can_be_said(relief: float, expected: int) -> None:
    # 1.88 s at 22 become 1.4 s at 15: less than half of a cut would explain, 1.58 s,
    # and more than all of it would, 1.28 s.
    limits = learned([0.1, 9.0, 1.4], start=20, auto_relief=relief)

    assert limits == [22, 15, expected]
