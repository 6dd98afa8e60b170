from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.local.sizing import BatchSizes, is_out_of_memory


def settled(sizes: BatchSizes, limit: int, length: int = 100) -> list[int]:
    """Try sizes against a memory of so many rows, until the size no longer changes."""
    tried = [sizes.size(length)]
    while len(tried) < 2 or tried[-1] != tried[-2]:
        if tried[-1] <= limit:
            sizes.fitted(tried[-1], length)
        else:
            sizes.failed(tried[-1], length)
        tried.append(sizes.size(length))
        assert len(tried) < 50
    return tried


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 11, 16, 37, 63])
def test_the_largest_that_fits_is_found(limit: int) -> None:
    assert settled(BatchSizes(most=64), limit)[-1] == limit


def test_it_doubles_until_it_fails_then_halves_what_is_left() -> None:
    assert settled(BatchSizes(most=64), 11) == [8, 16, 12, 10, 11, 11]


def test_no_more_are_tried_than_allowed() -> None:
    assert settled(BatchSizes(most=20), 1000)[-1] == 20


def test_what_fits_is_not_expected_of_longer_rows() -> None:
    sizes = BatchSizes(most=64)
    settled(sizes, 64, length=100)

    assert sizes.size(50) == 64
    assert sizes.size(5000) == 8


def test_what_fails_is_not_tried_with_longer_rows() -> None:
    sizes = BatchSizes(most=64)
    settled(sizes, 16, length=1000)

    assert sizes.size(2000) == 8
    assert sizes.size(1000) == 16
    assert sizes.size(900) == 16
    assert sizes.size(10) == 32


def test_a_size_that_was_asked_for_is_halved_where_it_does_not_fit() -> None:
    sizes = BatchSizes(32)

    assert sizes.size(100) == 32
    sizes.failed(32, 100)
    assert sizes.size(100) == 16
    sizes.failed(16, 100)
    assert sizes.size(100) == 8
    assert sizes.size(60) == 32


def test_a_failure_is_believed_over_what_fitted_before() -> None:
    sizes = BatchSizes(most=8)
    sizes.fitted(8, 100)

    sizes.failed(8, 100)

    assert sizes.size(100) == 4


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 64), st.integers(1, 50)), max_size=30
    ),
    st.integers(1, 50),
    st.one_of(st.none(), st.integers(1, 64)),
)
def test_a_size_is_always_from_one_to_the_most(
    seen: list[tuple[bool, int, int]], length: int, asked: int | None
) -> None:
    sizes = BatchSizes(asked)
    for is_fitting, rows, tokens in seen:
        (sizes.fitted if is_fitting else sizes.failed)(rows, tokens)

    assert 1 <= sizes.size(length) <= sizes.most


@pytest.mark.parametrize(("asked", "most"), [(0, 8), (None, 0), (-1, 8)])
def test_a_size_below_one_is_refused(asked: int | None, most: int) -> None:
    with pytest.raises(OptionError, match="batch_size must be at least 1"):
        BatchSizes(asked, most=most)


class OutOfMemoryError(RuntimeError):
    """Of the name that torch gives it."""


@pytest.mark.parametrize(
    "error",
    [
        OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        MemoryError(),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"),
    ],
)
def test_memory_that_ran_out_is_told_by_kind_or_words(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error", [RuntimeError("shape mismatch"), ValueError("out of memory")]
)
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    assert not is_out_of_memory(error)
