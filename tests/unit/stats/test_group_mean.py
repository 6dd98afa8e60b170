from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from pytest_evalkit.stats import (
    pooled_standard_error,
    standard_error,
    unweighted_standard_error,
    weighted_mean,
    welch_freedom,
)


def test_a_weighted_mean_is_that_of_all_documents() -> None:
    # Two of four right, and one of one: three of five.
    assert weighted_mean([0.5, 1.0], [4, 1]) == 0.6


def test_equal_weights_make_a_plain_mean() -> None:
    assert weighted_mean([0.25, 0.75, 0.5], [7, 7, 7]) == 0.5


def test_the_pooled_error_follows_its_formula() -> None:
    # (2 * 0.01 * 3 + 4 * 0.04 * 5) / (8 - 2) / 8 = 0.86 / 48
    expected = math.sqrt(0.86 / 48)

    assert pooled_standard_error([0.1, 0.2], [3, 5]) == pytest.approx(expected)


def test_the_pooled_error_of_one_task_is_its_own() -> None:
    assert pooled_standard_error([0.125], [9]) == pytest.approx(0.125)


def test_like_tasks_pool_to_nearly_the_error_of_their_documents() -> None:
    first, second = [1.0, 0.0, 1.0, 0.0], [0.0, 1.0] * 50
    errors = [standard_error(first) or 0.0, standard_error(second) or 0.0]
    together = standard_error([*first, *second]) or 0.0

    pooled = pooled_standard_error(errors, [len(first), len(second)])

    # The documents together lose one degree of freedom, the tasks one each.
    assert pooled == pytest.approx(together * math.sqrt(103 / 102))


def test_errors_of_independent_means_add_by_their_squares() -> None:
    assert unweighted_standard_error([0.3, 0.4, 0.0]) == pytest.approx(0.5 / 3)


@given(
    st.lists(st.floats(min_value=0.0, max_value=1.0), min_size=1, max_size=9),
    st.integers(min_value=2, max_value=500),
)
def test_both_errors_agree_where_tasks_are_of_one_size(
    errors: list[float], size: int
) -> None:
    pooled = pooled_standard_error(errors, [size] * len(errors))

    assert pooled == pytest.approx(unweighted_standard_error(errors), abs=1e-12)


def test_degrees_of_freedom_are_those_of_welch() -> None:
    one, other = [0.3, 0.9, 0.4, 0.6, 0.1], [0.5, 0.2, 0.9]
    errors = [standard_error(one) or 0.0, standard_error(other) or 0.0]

    found = welch_freedom(errors, [4, 2])

    assert found == pytest.approx(ttest_ind(one, other, equal_var=False).df)


def test_errors_of_nothing_have_no_degrees_of_freedom() -> None:
    assert welch_freedom([0.0, 0.0], [3, 4]) is None
    assert welch_freedom([0.0, 1e-200], [3, 4]) == 4
