from __future__ import annotations

import math
from random import Random

import pytest

from pytest_evalkit.stats.histogram import MOST_STEPS, histogram, round_above


def test_values_are_counted_in_equal_steps_and_far_ones_in_the_last() -> None:
    told = histogram([3, 10, 12, 19, 20, 27, 41, 43, 500], top=43)

    # Sixteen steps from 3 to 43 would be of 2.5 each: 5 is the next round width. They
    # begin at 0, and 500 is beyond them.
    assert told == {
        "start": 0.0,
        "width": 5.0,
        "counts": [1, 0, 2, 1, 1, 1, 0, 0, 2, 1],
        "over": 1,
    }


def test_where_nothing_is_above_the_top_there_is_no_step_for_it() -> None:
    told = histogram([1.0, 2.0], top=2.0)

    assert told == {
        "start": 1.0, "width": 0.1, "counts": [1, *[0] * 9, 1], "over": 0,
    }  # fmt: skip


@pytest.mark.parametrize("value", [0.0, 0.03, 7.0, 12345.0])
def test_values_that_are_all_alike_are_one_step(value: float) -> None:
    told = histogram([value] * 5, top=value)

    assert told["counts"] == [5]
    assert told["start"] <= value < told["start"] + told["width"] + 1e-12


def test_however_many_values_there_are_the_steps_are_few_and_count_each_once() -> None:
    random = Random(1)
    values = sorted(random.lognormvariate(4, 1.5) for _ in range(20_000))
    top = values[19_799]

    told = histogram(values, top)

    assert 16 < len(told["counts"]) <= MOST_STEPS + 2
    assert sum(told["counts"]) == 20_000
    assert 0 < told["over"] <= 200
    inside = told["start"] + 3 * told["width"]
    below = sum(value < inside for value in values)
    assert sum(told["counts"][:3]) == below


@pytest.mark.parametrize("value", [1e-7, 0.0999, 1, 1.0001, 2.5, 49, 51, 999, 1e9])
def test_a_round_number_is_the_next_above(value: float) -> None:
    found = round_above(value)

    assert value <= found <= 2.5 * value
    assert f"{found:e}"[0] in "125"
    assert float(f"{found:.0e}") == found
    assert math.isfinite(found)


def test_nothing_has_no_histogram() -> None:
    with pytest.raises(ValueError, match="at least one"):
        histogram([], 1.0)
