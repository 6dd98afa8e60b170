from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from pytest_evalkit.stats import (
    bca_interval,
    draws,
    jackknife_error,
    percentile_interval,
    replicates,
    standard_error,
    sums_of_draws,
)

SKEWED = [float(i**3) for i in range(30)]


def test_sums_of_draws_add_up_what_was_drawn() -> None:
    columns = [[1.0, 0.5], [10.0, 0.25], [100.0, 0.125]]
    (rows,) = draws(3, 4)

    found = sums_of_draws(columns)(rows)

    expected = [
        [sum(columns[i][at] for i in row) for at in range(2)] for row in rows.tolist()
    ]
    assert found.tolist() == expected


def means(rows: object) -> list[float]:
    return list(sums_of_draws([[v] for v in SKEWED])(rows)[:, 0] / len(SKEWED))


@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_intervals_agree_with_scipy(method: str) -> None:
    import numpy as np

    drawn = replicates(means, len(SKEWED), 5000)
    assert drawn is not None
    total = sum(SKEWED)
    without = [(total - v) / (len(SKEWED) - 1) for v in SKEWED]

    if method == "percentile":
        found = percentile_interval(drawn)
    else:
        found = bca_interval(drawn, total / len(SKEWED), without)

    theirs = bootstrap(
        (SKEWED,),
        np.mean,
        n_resamples=5000,
        method=method,
        rng=np.random.default_rng(1),
    ).confidence_interval
    # Both draw 5,000 times, each its own: the ends differ by some two per cent of the
    # width, and the methods by much more.
    width = theirs.high - theirs.low
    assert found == pytest.approx((theirs.low, theirs.high), abs=0.03 * width)
    other = percentile_interval(drawn)
    if method == "BCa":
        assert found[1] - other[1] > 0.05 * width


def test_percentiles_worked_by_hand() -> None:
    # At 0.1 and 0.9 of the way from the first to the last of five.
    assert percentile_interval([4.0, 0.0, 3.0, 1.0, 2.0], level=0.8) == pytest.approx(
        (0.4, 3.6)
    )


def test_without_bias_and_skewness_they_are_the_same() -> None:
    drawn = [i / 100 for i in range(-100, 101)]

    found = bca_interval(drawn, 0.0, [-1.0, 1.0])

    assert found == pytest.approx(percentile_interval(drawn), abs=1e-9)


def test_a_value_that_no_replicate_reaches_leaves_percentiles() -> None:
    drawn = [0.1, 0.2, 0.3]

    assert bca_interval(drawn, 1.0, [0.5, 0.7]) == percentile_interval(drawn)


def test_a_figure_that_is_not_a_number_has_no_replicates() -> None:
    assert replicates(lambda rows: [float("nan")] * len(rows), 3, 10) is None


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_the_jackknife_of_a_mean_is_its_formula(values: list[float]) -> None:
    total = sum(values)
    without = [(total - value) / (len(values) - 1) for value in values]

    found = jackknife_error(without)

    assert found == pytest.approx(standard_error(values), abs=1e-9)


def test_one_group_has_no_jackknife() -> None:
    assert jackknife_error([1.0]) is None
