from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager

import pytest

from pytest_evalkit.errors import (
    DatasetError,
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
)
from pytest_evalkit.models.local.batcher import Batcher, Prepared
from pytest_evalkit.models.local.sizing import BatchSizes

SOON_S = 20.0


class OutOfMemoryError(RuntimeError):
    """Of the name that torch gives it."""


class Model:
    """Doubles numbers; has memory for so many rows."""

    def __init__(self, memory: int = 1000) -> None:
        self.memory = memory
        self.batches: list[list[int]] = []
        self.threads: set[str] = set()
        self.released = 0
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()

    def answer(self, payloads: Sequence[int]) -> Sequence[int | ModelError]:
        self.entered.set()
        assert self.open.wait(SOON_S)
        self.threads.add(threading.current_thread().name)
        self.batches.append(list(payloads))
        if len(payloads) > self.memory:
            raise OutOfMemoryError("CUDA out of memory")
        if 13 in payloads:
            raise ValueError("an unlucky number")
        if 99 in payloads:
            raise ModelUnavailableError("the model is gone")
        return [2 * number for number in payloads]

    def release(self) -> None:
        self.released += 1


@contextmanager
def batching(
    model: Model, size: int | None = 4, **settings: int
) -> Iterator[Batcher[int, int]]:
    sizes = BatchSizes(size, most=16)
    batcher: Batcher[int, int] = Batcher(
        model.answer,
        sizes=lambda _kind: sizes,
        release=model.release,
        **{"threads": 2, **settings},
    )
    try:
        yield batcher
    finally:
        model.open.set()
        batcher.close()


def prepared(
    number: int, length: int = 10, weight: int = 0, kind: str = "write"
) -> Callable[[], Prepared[int]]:
    return lambda: Prepared(payload=number, kind=kind, length=length, weight=weight)


def results(futures: Sequence[Future[int]]) -> list[int]:
    return [future.result(SOON_S) for future in futures]


def test_everybody_gets_the_own_answer() -> None:
    model = Model()
    with batching(model) as batcher:
        futures = [batcher.submit(prepared(n, length=n + 1)) for n in range(10)]

        assert results(futures) == [2 * n for n in range(10)]

    assert sorted(n for batch in model.batches for n in batch) == list(range(10))
    assert max(map(len, model.batches)) <= 4
    assert model.threads == {"evalkit-model"}


def test_requests_that_wait_go_together_with_those_of_like_length() -> None:
    model = Model()
    with batching(model, size=2) as batcher:
        first = hold(model, batcher)
        lengths = [10, 500, 11, 501]
        futures = [
            batcher.submit(prepared(n, length)) for n, length in enumerate(lengths)
        ]
        until_ready(batcher, 4)
        model.open.set()
        results([first, *futures])

    assert [sorted(batch) for batch in model.batches[1:]] == [[0, 2], [1, 3]]


@pytest.mark.parametrize("memory", [1, 3, 5])
@pytest.mark.parametrize("size", [None, 16])
def test_no_request_is_lost_where_memory_runs_out(
    memory: int, size: int | None
) -> None:
    model = Model(memory)
    with batching(model, size) as batcher:
        futures = [batcher.submit(prepared(n)) for n in range(40) if n != 13]

        assert results(futures) == [2 * n for n in range(40) if n != 13]

    assert model.released >= 1
    assert max(map(len, model.batches[-3:])) <= memory


def test_the_largest_batch_that_fits_is_found() -> None:
    model = Model(memory=11)
    with batching(model, None) as batcher:
        first = hold(model, batcher)
        futures = [batcher.submit(prepared(n)) for n in range(100, 300)]
        until_ready(batcher, 200)
        model.open.set()
        results([first, *futures])

    sizes = [len(batch) for batch in model.batches]
    assert sizes[:6] == [1, 8, 16, 12, 10, 11]
    assert set(sizes[6:-1]) == {11}


def test_what_does_not_fit_alone_is_refused_with_remedies() -> None:
    model = Model(memory=0)
    with batching(model) as batcher:
        future = batcher.submit(prepared(1, length=77))

        with pytest.raises(
            RequestRejectedError, match="77 tokens does not fit"
        ) as told:
            future.result(SOON_S)

    assert "device_map=auto" in str(told.value)


def test_a_request_that_breaks_a_batch_does_not_take_the_others_down() -> None:
    model = Model()
    with batching(model, size=16) as batcher:
        futures = {n: batcher.submit(prepared(n)) for n in range(16)}

        with pytest.raises(RequestRejectedError, match="ValueError: an unlucky number"):
            futures.pop(13).result(SOON_S)
        assert results([*futures.values()]) == [2 * n for n in range(16) if n != 13]


def test_a_model_that_is_gone_is_gone_for_all_of_a_batch() -> None:
    model = Model()
    with batching(model, size=2) as batcher:
        first = hold(model, batcher)
        futures = [batcher.submit(prepared(n)) for n in (99, 1)]
        until_ready(batcher, 2)
        model.open.set()
        wait([first, *futures], SOON_S)

    errors = [future.exception() for future in futures]
    assert all(isinstance(error, ModelUnavailableError) for error in errors)
    assert errors[0] is not errors[1]


def test_what_cannot_be_prepared_is_the_error_of_its_own_request() -> None:
    def broken() -> Prepared[int]:
        raise DatasetError("cannot decode the image")

    def strange() -> Prepared[int]:
        raise KeyError("pixel_values")

    with batching(Model()) as batcher:
        futures = [batcher.submit(one) for one in (broken, prepared(3), strange)]

        assert futures[1].result(SOON_S) == 6
        with pytest.raises(DatasetError, match="cannot decode"):
            futures[0].result(SOON_S)
        with pytest.raises(RequestRejectedError, match="KeyError"):
            futures[2].result(SOON_S)


def test_the_next_batch_is_prepared_while_one_is_in_the_model() -> None:
    model = Model()
    with batching(model) as batcher:
        first = hold(model, batcher)
        is_prepared = threading.Event()

        def prepare() -> Prepared[int]:
            is_prepared.set()
            return prepared(2)()

        second = batcher.submit(prepare)

        assert is_prepared.wait(SOON_S)
        assert model.batches == []
        model.open.set()
        assert results([first, second]) == [0, 4]


def test_no_more_memory_is_taken_ahead_than_allowed() -> None:
    model = Model()
    begun: list[int] = []

    def heavy(number: int) -> Callable[[], Prepared[int]]:
        def prepare() -> Prepared[int]:
            begun.append(number)
            return prepared(number, weight=100)()

        return prepare

    with batching(model, size=2, most_ahead=250, threads=1) as batcher:
        first = hold(model, batcher)
        futures = [batcher.submit(heavy(n)) for n in range(8)]
        until_ready(batcher, 3)

        # Three weigh more than allowed, and a whole batch is there.
        assert begun == [0, 1, 2]
        model.open.set()
        assert results([first, *futures])[1:] == [2 * n for n in range(8)]


def test_a_request_that_is_given_up_is_not_answered() -> None:
    model = Model()
    with batching(model) as batcher:
        first = hold(model, batcher)
        futures = [batcher.submit(prepared(n)) for n in (1, 2)]
        until_ready(batcher, 2)
        assert futures[0].cancel()
        model.open.set()

        assert results([first, futures[1]]) == [0, 4]

    assert model.batches == [[0], [2]]


def test_closing_answers_who_waits_and_a_new_request_starts_again() -> None:
    model = Model()
    with batching(model) as batcher:
        first = hold(model, batcher)
        second = batcher.submit(prepared(1))
        until_ready(batcher, 1)
        closing = threading.Thread(target=batcher.close)
        closing.start()
        with pytest.raises(ModelUnavailableError, match="closed"):
            second.result(SOON_S)
        model.open.set()
        closing.join(SOON_S)

        assert first.result(SOON_S) == 0
        assert batcher.submit(prepared(4)).result(SOON_S) == 8
        batcher.close()
        batcher.close()


def hold(model: Model, batcher: Batcher[int, int]) -> Future[int]:
    """Keep the model busy with one request until it is opened."""
    model.open.clear()
    future = batcher.submit(prepared(0))
    assert model.entered.wait(SOON_S)
    return future


def until_ready(batcher: Batcher[int, int], count: int) -> None:
    """Wait until so many requests are prepared, and no thread does another."""
    with batcher._changed:
        assert batcher._changed.wait_for(
            lambda: len(batcher._ready) >= count and not batcher._in_preparation, SOON_S
        )
