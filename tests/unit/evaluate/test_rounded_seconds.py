from __future__ import annotations

import math
from random import Random

from pytest_evalkit.evaluate.timing import rounded


def test_seconds_are_cut_to_microseconds() -> None:
    assert rounded(0.1234567) == 0.123457
    assert rounded(12.0) == 12.0
    assert rounded(-0.0000004) == 0.0
    assert rounded(None) is None


def test_they_are_cut_as_decimals_are() -> None:
    rng = Random(7)
    seconds = [rng.uniform(-10, 10) * 10 ** rng.randrange(6) for _ in range(2000)]

    assert [rounded(each) for each in seconds] == [round(each, 6) for each in seconds]


def test_what_is_no_number_of_seconds_stays() -> None:
    nothing = rounded(math.nan)

    assert nothing is not None
    assert math.isnan(nothing)
    assert rounded(math.inf) == math.inf
