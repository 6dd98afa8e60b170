from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Any

import pytest
from scipy import stats as scipy_stats

from pytest_evalkit.stats.latency_changes import (
    REPLICATES,
    ClusteredTimes,
    TimeChange,
    time_changes,
)

PERCENTS = (50, 95)
LEAST_P = 2 / (REPLICATES + 1)


def alone(values: Sequence[float]) -> ClusteredTimes:
    """Times of which each is a document of its own."""
    return ClusteredTimes(
        values=values, clusters=list(range(len(values))), count=len(values)
    )


def drawn(random: Random, count: int, *, factor: float = 1.0) -> list[float]:
    return [factor * random.lognormvariate(0.0, 0.6) for _ in range(count)]


def paired_runs(
    random: Random, count: int, *, factor: float = 1.0
) -> tuple[list[float], list[float]]:
    """What makes an answer long is common to both; the rest is noise."""
    length = drawn(random, count)
    before, after = (
        [one * random.lognormvariate(0.0, 0.2) for one in length] for _ in "ab"
    )
    return before, [factor * one for one in after]


def mean_of(values: Any, *, axis: int) -> Any:
    return values.mean(axis=axis)


def percentile_of(values: Any, *, axis: int, percent: int) -> Any:
    import numpy as np

    return np.percentile(values, percent, axis=axis, method="inverted_cdf")


def compared(
    before: Sequence[float], after: Sequence[float], *, is_paired: bool = True
) -> list[TimeChange]:
    return time_changes(alone(before), alone(after), PERCENTS, is_paired=is_paired)


def test_two_documents_are_drawn_in_three_ways() -> None:
    mean, median, _ = compared([1.0, 3.0], [2.0, 7.0])

    # The first twice, both, or the second twice: means rise by 1, 2.5 and 4.
    assert mean.values == (2.0, 4.5)
    assert mean.difference.value == 2.5
    assert mean.difference.interval == (1.0, 4.0)
    # By 1 of 1, 2.5 of 2 and 4 of 3.
    assert mean.share == pytest.approx((1.0, 4 / 3))
    assert mean.difference.p_value == LEAST_P
    # A quarter, a half and a quarter of the draws: a variance of 1.125.
    assert mean.difference.stderr == pytest.approx(1.125**0.5, rel=0.03)
    # The nearest rank is the lower of two.
    assert median.values == (1.0, 2.0)


def test_a_run_does_not_differ_from_itself() -> None:
    values = drawn(Random(1), 40)

    for is_paired in (True, False):
        for change in compared(values, values, is_paired=is_paired):
            assert change.difference.value == 0.0
            assert change.difference.p_value == 1.0 or not is_paired
            assert change.difference.p_value is not None
            assert change.difference.p_value > 0.5


def test_what_is_slower_for_every_document_is_surely_slower_in_pairs() -> None:
    values = drawn(Random(2), 40)
    slower = [1.02 * value for value in values]

    paired = compared(values, slower)
    unpaired = compared(values, slower, is_paired=False)

    assert {one.difference.p_value for one in paired} == {LEAST_P}
    assert all((one.difference.p_value or 0.0) > 0.3 for one in unpaired)
    assert paired[0].share == pytest.approx((0.02, 0.02))


@pytest.mark.parametrize("is_paired", [True, False])
@pytest.mark.parametrize(
    ("place", "figure"),
    [
        (0, mean_of),
        (1, partial(percentile_of, percent=50)),
        (2, partial(percentile_of, percent=95)),
    ],
)
def test_intervals_are_those_of_scipys_bootstrap(
    place: int, figure: Callable[..., Any], *, is_paired: bool
) -> None:
    before, after = paired_runs(Random(3), 200, factor=1.1)

    change = compared(before, after, is_paired=is_paired)[place]

    theirs = scipy_stats.bootstrap(
        (before, after),
        lambda a, b, axis: figure(b, axis=axis) - figure(a, axis=axis),
        paired=is_paired,
        n_resamples=20_000,
        batch=1_000,
        method="percentile",
        random_state=5,
    )
    interval = change.difference.interval
    assert interval is not None
    # Two bootstraps of one sample differ by what their draws do: an end of an interval by
    # the distance from one request to the next.
    error = theirs.standard_error
    assert change.difference.stderr == pytest.approx(error, rel=0.08)
    assert interval == pytest.approx(
        (theirs.confidence_interval.low, theirs.confidence_interval.high),
        abs=0.4 * error,
    )


def test_requests_of_one_conversation_tell_no_more_than_one_of_them() -> None:
    before, after = paired_runs(Random(4), 30)
    turns = 7

    def conversations(values: Sequence[float]) -> ClusteredTimes:
        return ClusteredTimes(
            values=[value for value in values for _ in range(turns)],
            clusters=[place for place in range(len(values)) for _ in range(turns)],
            count=len(values),
        )

    alike = time_changes(
        conversations(before), conversations(after), PERCENTS, is_paired=True
    )
    single = compared(before, after)

    for one, other in zip(alike, single, strict=True):
        assert one.difference.interval == pytest.approx(other.difference.interval)
        assert one.difference.p_value == other.difference.p_value


def test_a_document_that_one_run_failed_at_is_drawn_without_its_time() -> None:
    before = ClusteredTimes(values=[1.0, 2.0, 4.0], clusters=[0, 1, 2], count=4)
    after = ClusteredTimes(values=[1.0, 2.0, 4.0, 9.0], clusters=[0, 1, 2, 3], count=4)

    mean, *_ = time_changes(before, after, (), is_paired=True)

    # Drawn are at times the fourth alone, of which the first run has nothing.
    assert mean.values == pytest.approx((7 / 3, 4.0))
    assert mean.difference.interval is None
    assert mean.difference.p_value is None


def test_one_document_is_not_tested() -> None:
    (mean,) = time_changes(alone([1.0]), alone([2.0]), (), is_paired=True)

    assert mean.difference == (1.0, None, None, None)
    assert mean.share is None


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="two runs that have some"):
        compared([], [1.0], is_paired=False)
    with pytest.raises(ValueError, match="2 clusters have 1 partners"):
        compared([1.0, 2.0], [1.0])


@pytest.mark.parametrize("is_paired", [True, False])
def test_false_alarms_are_as_rare_as_they_are_said_to_be(*, is_paired: bool) -> None:
    # The same server twice: 130 requests are the fewest of a 95th percentile.
    random, runs = Random(6), 120
    alarms = [0, 0, 0]

    for _ in range(runs):
        before, after = paired_runs(random, 130)
        if not is_paired:
            after = paired_runs(random, 130)[1]
        for place, change in enumerate(compared(before, after, is_paired=is_paired)):
            p_value = change.difference.p_value
            alarms[place] += p_value is not None and p_value < 0.05

    # Of 120 with a probability of 5 % each, more than 13 in one case of a thousand.
    assert max(alarms) <= 13


def test_a_rise_by_a_tenth_is_found_in_pairs() -> None:
    random, found = Random(7), 0

    for _ in range(40):
        _, median, _ = compared(*paired_runs(random, 200, factor=1.15))
        p_value = median.difference.p_value
        found += p_value is not None and p_value < 0.05

    assert found >= 20
