from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, cast

import pytest

from pytest_evalkit.errors import ModelUnavailableError
from pytest_evalkit.evaluate import DocumentOutcome
from pytest_evalkit.plugin.collection import DocumentItem
from pytest_evalkit.plugin.lookahead import LeftOutError, Lookahead
from pytest_evalkit.plugin.watch import Watch


class Counter:
    """Stands for the watch, which needs a terminal."""

    def __init__(self) -> None:
        self.ended: list[int] = []

    def count(self, outcome: DocumentOutcome) -> None:
        self.ended.append(outcome.doc_id)

    def show(self) -> None:
        pass


class Item:
    """Stands for a document's item, of which only its task is looked at."""

    def __init__(self, task: object) -> None:
        self.parent = task


class Suite:
    """Documents that are numbers, and a look-ahead over them."""

    def __init__(self, count: int, limit: int) -> None:
        self.loop = asyncio.new_event_loop()
        task = object()
        self.items = [cast("DocumentItem", Item(task)) for _ in range(count)]
        self.watch = Counter()
        self.begun: list[int] = []
        self.most = 0
        self.flying = 0
        self.lookahead = Lookahead(
            self.loop, self._start, lambda _: limit, cast("Watch", self.watch)
        )
        self.lookahead.plan(self.items)
        self.work: Callable[[int], Coroutine[Any, Any, None]] = self.nothing

    async def nothing(self, number: int) -> None:
        await asyncio.sleep(0)

    def _start(self, item: DocumentItem) -> Coroutine[Any, Any, DocumentOutcome]:
        return self._evaluate(self.items.index(item))

    async def _evaluate(self, number: int) -> DocumentOutcome:
        self.begun.append(number)
        self.flying += 1
        self.most = max(self.most, self.flying)
        try:
            await self.work(number)
        finally:
            self.flying -= 1
        return DocumentOutcome(
            task="t", doc_id=number, status="scored", scores={}, message=None,
            duration_s=0.0,
        )  # fmt: skip

    def outcomes(self) -> list[int]:
        return [self.lookahead.outcome(item).doc_id for item in self.items]


@pytest.fixture
def suite() -> Iterator[Callable[[int, int], Suite]]:
    made: list[Suite] = []

    def make(count: int, limit: int) -> Suite:
        made.append(Suite(count, limit))
        return made[-1]

    yield make
    for one in made:
        one.lookahead.stop_listening()
        one.lookahead.close()
        one.loop.run_until_complete(one.loop.shutdown_asyncgens())
        one.loop.close()


def test_each_item_gets_its_own_outcome(suite: Callable[[int, int], Suite]) -> None:
    documents = suite(20, 4)

    assert documents.outcomes() == list(range(20))
    assert sorted(documents.watch.ended) == list(range(20))
    assert documents.most == 4


def test_documents_begin_in_their_order(suite: Callable[[int, int], Suite]) -> None:
    documents = suite(20, 4)

    documents.outcomes()

    assert documents.begun == list(range(20))


def test_answered_documents_rest_while_requests_go_and_all_go_on(
    suite: Callable[[int, int], Suite],
) -> None:
    documents = suite(200, 64)
    rounds: dict[int, int] = {}
    now = [0]

    async def rest(number: int) -> None:
        await documents.lookahead.rest()
        rounds[number] = now[0]

    async def count_rounds() -> None:
        while True:
            now[0] += 1
            await asyncio.sleep(0)

    documents.work = rest
    counting = documents.loop.create_task(count_rounds())

    assert documents.outcomes() == list(range(200))
    counting.cancel()
    # Sixty-four rest at once: a sixteenth of them, and two at least, go on in a round.
    first = [rounds[number] for number in range(64)]
    assert first == sorted(first)
    assert max(first.count(number) for number in first) == 4
    assert len(rounds) == 200


def test_what_stops_the_run_is_raised_at_once_and_the_rest_is_cancelled(
    suite: Callable[[int, int], Suite],
) -> None:
    documents = suite(20, 8)

    async def fail(number: int) -> None:
        await asyncio.sleep(0 if number == 3 else 60)
        raise ModelUnavailableError("nobody there")

    documents.work = fail

    with pytest.raises(ModelUnavailableError, match="nobody there"):
        documents.outcomes()
    documents.lookahead.close()

    assert documents.flying == 0
    assert documents.begun == list(range(8))


def test_a_cancelled_rest_harms_nobody(suite: Callable[[int, int], Suite]) -> None:
    documents = suite(8, 8)

    async def rest(number: int) -> None:
        if number == 2:
            resting = asyncio.ensure_future(documents.lookahead.rest())
            await asyncio.sleep(0)
            resting.cancel()
        await documents.lookahead.rest()

    documents.work = rest

    assert documents.outcomes() == list(range(8))


def test_what_is_left_out_is_neither_begun_nor_waited_for(
    suite: Callable[[int, int], Suite],
) -> None:
    documents = suite(40, 8)
    left = set(documents.items[5:20])

    async def work(number: int) -> None:
        if number == 4:
            documents.lookahead.leave_out(left.__contains__)
        # Nobody gets to the end of this.
        await asyncio.sleep(3600 if 4 < number < 20 else 0)

    documents.work = work

    ended = [documents.lookahead.outcome(item).doc_id for item in documents.items[:5]]
    rest = [documents.lookahead.outcome(item).doc_id for item in documents.items[20:]]

    assert ended + rest == [*range(5), *range(20, 40)]
    assert not set(documents.begun) & set(range(8, 20))
    assert documents.flying == 0


def test_a_document_that_is_left_out_while_it_is_waited_for_is_told(
    suite: Callable[[int, int], Suite],
) -> None:
    documents = suite(4, 4)

    async def work(number: int) -> None:
        if number == 3:
            documents.lookahead.leave_out(lambda item: item is documents.items[0])
        await asyncio.sleep(3600 if number == 0 else 0)

    documents.work = work

    with pytest.raises(LeftOutError):
        documents.lookahead.outcome(documents.items[0])

    assert documents.lookahead.outcome(documents.items[1]).doc_id == 1
