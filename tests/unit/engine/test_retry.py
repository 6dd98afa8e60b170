from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.engine import RetryPolicy


class Highest(Random):
    """Draws the upper bound, always."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


@pytest.mark.parametrize(
    ("attempt", "bound"), [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 20.0), (60, 20)]
)
def test_the_bound_doubles_up_to_a_cap(attempt: int, bound: float) -> None:
    assert RetryPolicy().wait_s(attempt, None, Highest()) == bound


@given(st.integers(1, 100), st.integers())
def test_a_wait_lies_between_nothing_and_its_bound(attempt: int, seed: int) -> None:
    policy = RetryPolicy(base_s=0.25, cap_s=3.0)

    wait = policy.wait_s(attempt, None, Random(seed))

    assert 0 <= wait <= min(3.0, 0.25 * 2 ** (attempt - 1))


@given(st.integers(1, 20), st.floats(0, 3600), st.integers())
def test_what_the_endpoint_asks_for_is_a_lower_bound(
    attempt: int, asked: float, seed: int
) -> None:
    wait = RetryPolicy().wait_s(attempt, asked, Random(seed))

    assert asked <= wait <= asked + 1.0


def test_a_seed_makes_waits_repeatable() -> None:
    policy = RetryPolicy()

    first = [policy.wait_s(n, None, Random(7)) for n in range(1, 5)]
    second = [policy.wait_s(n, None, Random(7)) for n in range(1, 5)]

    assert first == second
