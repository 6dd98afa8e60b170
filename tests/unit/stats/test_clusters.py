from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.stats import clustered_standard_error, standard_error

VALUES = st.lists(st.floats(0, 1), min_size=2, max_size=20)


def test_values_that_go_together_worked_by_hand() -> None:
    # Deviations 1/2, 1/2, -1/2, -1/2. Variance 1/3, over 4 documents 1/12. Within the
    # clusters the sums are 1 and -1: (2 - 1) / 16 of covariance.
    error = clustered_standard_error([1, 1, 0, 0], ["a", "a", "b", "b"])

    assert error == pytest.approx(math.sqrt(1 / 12 + 1 / 16))


def test_values_that_offset_each_other_have_a_smaller_error() -> None:
    # The sums within the clusters are zero: 1/12 - 1/16.
    error = clustered_standard_error([1, 0, 1, 0], ["a", "a", "b", "b"])

    assert error == pytest.approx(math.sqrt(1 / 12 - 1 / 16))


@given(VALUES)
def test_clusters_of_one_change_nothing(values: list[float]) -> None:
    error = clustered_standard_error(values, list(range(len(values))))

    assert error == pytest.approx(standard_error(values), abs=1e-12)


@given(VALUES)
def test_an_error_is_never_negative(values: list[float]) -> None:
    error = clustered_standard_error(values, ["all"] * len(values))

    assert error is not None
    assert error >= 0


def test_one_value_has_no_error() -> None:
    assert clustered_standard_error([1.0], ["a"]) is None


def test_a_cluster_for_each_value_is_wanted() -> None:
    with pytest.raises(ValueError, match="2 values have 1 clusters"):
        clustered_standard_error([1.0, 0.0], ["a"])
