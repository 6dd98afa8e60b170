from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.stats import percentile


@pytest.mark.parametrize(
    ("percent", "value"), [(1, 1), (10, 1), (11, 2), (50, 5), (90, 9), (99, 10)]
)
def test_of_ten_values_each_holds_ten_percent(percent: int, value: int) -> None:
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], percent) == value


@given(st.lists(st.floats(0, 100), min_size=1), st.integers(1, 100))
def test_it_is_the_least_value_that_enough_values_do_not_exceed(
    values: list[float], percent: int
) -> None:
    found = percentile(values, percent)

    assert sum(v <= found for v in values) * 100 >= percent * len(values)
    assert sum(v < found for v in values) * 100 < percent * len(values)


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        percentile([], 50)


@pytest.mark.parametrize("percent", [0, 101])
def test_a_percentage_out_of_range_is_refused(percent: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 100"):
        percentile([1.0], percent)
