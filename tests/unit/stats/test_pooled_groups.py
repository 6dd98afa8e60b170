from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.stats import (
    mean,
    pooled_standard_error,
    standard_error,
    unweighted_standard_error,
    weighted_mean,
)


def test_a_weighted_mean_worked_by_hand() -> None:
    # (0.1 * 10 + 0.5 * 200 + 0.9 * 7) / 217 = 107.3 / 217.
    assert weighted_mean([0.1, 0.5, 0.9], [10, 200, 7]) == pytest.approx(107.3 / 217)


def test_equal_weights_are_the_plain_mean() -> None:
    assert weighted_mean([0.2, 0.4], [1, 1]) == pytest.approx(0.3)


def test_a_pooled_error_worked_by_hand() -> None:
    # Squared errors times n are variances: 0.1 * 0.1 * 10 = 0.1 and 0.2 * 0.2 * 5 = 0.2.
    # Pooled: (9 * 0.1 + 4 * 0.2) / 13 = 1.7 / 13; over 15 documents, the root.
    error = pooled_standard_error([0.1, 0.2], [10, 5])

    assert error == pytest.approx(math.sqrt(1.7 / 13 / 15))


def test_pooled_errors_are_those_of_the_reference() -> None:
    # Independently computed with lm-evaluation-harness 0.4.13.
    assert pooled_standard_error([0.1, 0.02, 0.3], [10, 200, 7]) == pytest.approx(
        0.021061866544015734, abs=1e-15
    )
    assert unweighted_standard_error([0.1, 0.02, 0.3]) == pytest.approx(
        0.10561986345169906, abs=1e-15
    )


def test_tasks_of_one_document_have_no_pooled_error() -> None:
    assert pooled_standard_error([0.0, 0.0], [1, 1]) is None


def test_an_unweighted_error_worked_by_hand() -> None:
    # The root of 0.09 + 0.16 is 0.5; over two tasks.
    assert unweighted_standard_error([0.3, 0.4]) == pytest.approx(0.25)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_one_task_pools_to_its_own_error(values: list[float]) -> None:
    error = standard_error(values)

    assert error is not None
    assert pooled_standard_error([error], [len(values)]) == pytest.approx(error)
    assert weighted_mean([mean(values)], [len(values)]) == pytest.approx(mean(values))


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        weighted_mean([0.5], [1, 2])
    with pytest.raises(ValueError, match="zip"):
        pooled_standard_error([0.5], [1, 2])
