from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.stats import holm


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_it_agrees_with_statsmodels(count: int) -> None:
    from statsmodels.stats.multitest import multipletests

    rng = Random(count)
    p_values = [rng.random() ** 3 for _ in range(count)]

    _, expected, _, _ = multipletests(p_values, method="holm")

    assert holm(p_values) == pytest.approx(list(expected))


@given(st.lists(st.floats(0, 1), max_size=12))
def test_nothing_becomes_more_certain_and_the_order_stays(
    p_values: list[float],
) -> None:
    adjusted = holm(p_values)

    for one, other in zip(p_values, adjusted, strict=True):
        assert one <= other <= 1
    assert sorted(adjusted) == [
        a for _, a in sorted(zip(p_values, adjusted, strict=True))
    ]


def test_it_is_worked_by_hand() -> None:
    # Sorted 0.01, 0.03, 0.04: times 3, 2 and 1, and never less than one before.
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_no_tests_need_no_correction() -> None:
    assert holm([]) == []
