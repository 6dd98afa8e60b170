from __future__ import annotations

import math
import random
from typing import Any

import pytest

from pytest_evalkit.stats import bootstrap_error, draws


def rows(size: int, iterations: int) -> list[list[int]]:
    return [list(row) for block in draws(size, iterations) for row in block]


def test_draws_are_those_of_the_standard_library_seeded_by_thousands() -> None:
    expected = []
    for seed in range(2):
        generator = random.Random(seed)
        expected += [generator.choices(range(7), k=7) for _ in range(1000)]

    assert rows(7, 2500) == expected


def test_fewer_than_a_thousand_have_one_seed() -> None:
    generator = random.Random(0)

    assert rows(3, 5) == [generator.choices(range(3), k=3) for _ in range(5)]


def test_draws_of_many_documents_come_in_blocks() -> None:
    size = 1_500_000

    blocks = list(draws(size, 2))

    generator = random.Random(0)
    assert [block.shape for block in blocks] == [(1, size), (1, size)]
    for block in blocks:
        assert block[0].tolist() == generator.choices(range(size), k=size)


def test_no_replicates_are_no_draws() -> None:
    assert rows(3, 0) == []


def test_the_error_of_a_mean_is_near_its_formula() -> None:
    # Of 0 and 1 in equal parts, the mean of 100 draws has the deviation 0.5 / 10.
    def means(drawn: Any) -> Any:
        return (drawn < 50).mean(axis=1)

    error = bootstrap_error(means, 100, 4000)

    assert error == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize("iterations", [0, 1])
def test_fewer_than_two_replicates_have_no_error(iterations: int) -> None:
    assert bootstrap_error(lambda drawn: drawn[:, 0], 3, iterations) is None


def test_a_replicate_without_a_number_has_no_error() -> None:
    assert bootstrap_error(lambda drawn: [math.nan] * len(drawn), 3, 10) is None
