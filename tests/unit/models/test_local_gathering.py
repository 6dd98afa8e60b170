from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.models.local.gathering import gathered


@dataclass(frozen=True)
class Waiting:
    length: int
    kind: str = "write"
    row: tuple[int, ...] | None = None


def at_most(rows: int) -> object:
    return lambda _length: rows


def test_the_one_that_waited_longest_goes_with_those_of_like_length() -> None:
    waiting = [Waiting(100), Waiting(5), Waiting(90), Waiting(400), Waiting(101)]

    chosen, is_full = gathered(waiting, lambda _: 3)

    assert chosen == [0, 2, 4]
    assert is_full


def test_kinds_are_not_mixed() -> None:
    waiting = [Waiting(10), Waiting(10, kind="read"), Waiting(10)]

    chosen, is_full = gathered(waiting, lambda _: 8)

    assert chosen == [0, 2]
    assert not is_full


def test_a_row_too_long_for_the_batch_waits_for_a_smaller_one() -> None:
    waiting = [Waiting(10), Waiting(12), Waiting(13), Waiting(500)]

    chosen, _ = gathered(waiting, lambda length: 4 if length < 100 else 1)

    assert chosen == [0, 1, 2]


def test_equal_rows_take_one_place() -> None:
    shared = (1, 2, 3)
    waiting = [Waiting(3, row=shared) for _ in range(4)] + [Waiting(3, row=(9,))]

    chosen, is_full = gathered(waiting, lambda _: 1)

    assert chosen == [0, 1, 2, 3]
    assert is_full


@given(
    lengths=st.lists(st.integers(1, 500), min_size=1, max_size=30),
    rows=st.integers(1, 8),
)
def test_nobody_waits_for_ever(lengths: list[int], rows: int) -> None:
    waiting = [Waiting(length) for length in lengths]
    batches = 0

    while waiting:
        chosen, _ = gathered(waiting, lambda _: rows)
        assert chosen[0] == 0
        assert len(chosen) <= rows
        waiting = [one for n, one in enumerate(waiting) if n not in chosen]
        batches += 1

    assert batches == -(-len(lengths) // rows)
