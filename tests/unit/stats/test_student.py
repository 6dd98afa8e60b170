from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from pytest_evalkit.stats import (
    normal_probability,
    normal_quantile,
    t_interval,
    t_quantile,
    t_two_sided,
)

FREEDOM = st.floats(0.5, 1e6)


@given(st.floats(-60, 60), FREEDOM)
def test_tails_of_t_agree_with_scipy(value: float, freedom: float) -> None:
    expected = 2 * scipy_stats.t.sf(abs(value), freedom)

    assert t_two_sided(value, freedom) == pytest.approx(expected, rel=1e-8)


@given(st.floats(1e-6, 1 - 1e-6), FREEDOM)
def test_quantiles_of_t_agree_with_scipy(probability: float, freedom: float) -> None:
    expected = scipy_stats.t.ppf(probability, freedom)

    found = t_quantile(probability, freedom)

    assert found == pytest.approx(expected, rel=1e-7, abs=1e-7)


def test_the_normal_distribution_agrees_with_scipy() -> None:
    assert normal_quantile(0.975) == pytest.approx(scipy_stats.norm.ppf(0.975))
    assert normal_probability(-1.5) == pytest.approx(scipy_stats.norm.cdf(-1.5))


def test_an_infinite_value_has_no_tail() -> None:
    assert t_two_sided(math.inf, 3) == 0.0


@pytest.mark.parametrize("freedom", [0, -1, math.nan])
def test_no_degrees_of_freedom_are_refused(freedom: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        t_two_sided(1.0, freedom)


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_a_probability_out_of_range_is_refused(probability: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        t_quantile(probability, 5)


def test_the_t_interval_agrees_with_scipy() -> None:
    expected = scipy_stats.t.interval(0.9, 7, loc=0.4, scale=0.1)

    assert t_interval(0.4, 0.1, 7, level=0.9) == pytest.approx(expected)
