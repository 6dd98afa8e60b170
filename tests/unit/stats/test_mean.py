from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from pytest_evalkit.stats import interval95, mean, sample_deviation, standard_error

SCORES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=50)


def test_hand_worked_figures() -> None:
    # Deviations -2, -1, 0, 1, 2: squares sum to 10, over 4 is 2.5.
    values = [1.0, 2.0, 3.0, 4.0, 5.0]

    assert mean(values) == 3.0
    assert sample_deviation(values) == math.sqrt(2.5)
    assert standard_error(values) == math.sqrt(2.5) / math.sqrt(5)


@given(SCORES)
def test_figures_agree_with_scipy_and_the_standard_library(values: list[float]) -> None:
    assert mean(values) == pytest.approx(statistics.fmean(values), abs=1e-9)
    assert sample_deviation(values) == pytest.approx(statistics.stdev(values), abs=1e-9)
    assert standard_error(values) == pytest.approx(scipy_stats.sem(values), abs=1e-9)


def test_a_mean_is_summed_in_the_order_of_its_values() -> None:
    values = [0.1] * 10 + [1e16, -1e16]

    assert mean(values) == sum(values) / 12
    assert mean(values) != math.fsum(values) / 12


@pytest.mark.parametrize("values", [[], [0.5]])
def test_fewer_than_two_values_have_no_spread(values: list[float]) -> None:
    assert sample_deviation(values) is None
    assert standard_error(values) is None


def test_the_mean_of_nothing_is_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        mean([])


def test_the_interval_is_the_normal_one() -> None:
    low, high = scipy_stats.norm.interval(0.95, loc=0.8, scale=0.01)

    assert interval95(0.8, 0.01) == pytest.approx((low, high), rel=1e-14)
