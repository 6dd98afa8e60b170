from __future__ import annotations

import asyncio

import pytest

from pytest_evalkit.engine.limiter import Limiter
from pytest_evalkit.engine.ordering import NOTHING


class Door:
    """A limiter whose limit can be set, and what those did who came to it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.limiter = Limiter(lambda: self.limit)
        self.entered: list[str] = []

    async def come(self, name: str) -> None:
        if not self.limiter.try_enter():
            await self.limiter.enter(NOTHING)
        self.entered.append(name)

    def invite(self, names: str) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self.come(name)) for name in names]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_so_many_are_in_and_the_next_follows_who_leaves() -> None:
    async def scene() -> list[list[str]]:
        door = Door(2)
        tasks = door.invite("abcd")
        await settle()
        seen = [list(door.entered)]
        door.limiter.leave()
        await settle()
        seen.append(list(door.entered))
        door.limiter.leave()
        await asyncio.gather(*tasks)
        return [*seen, door.entered]

    assert asyncio.run(scene()) == [list("ab"), list("abc"), list("abcd")]


def test_a_lower_limit_waits_until_enough_have_left() -> None:
    async def scene() -> list[int]:
        door = Door(3)
        tasks = door.invite("abcdef")
        await settle()
        door.limit = 1
        counts = []
        for _ in range(3):
            door.limiter.leave()
            await settle()
            counts.append(len(door.entered))
        for task in tasks:
            task.cancel()
        return counts

    assert asyncio.run(scene()) == [3, 3, 4]


def test_a_higher_limit_lets_more_in_at_once() -> None:
    async def scene() -> list[str]:
        door = Door(1)
        tasks = door.invite("abc")
        await settle()
        door.limit = 3
        door.limiter.refill()
        await asyncio.gather(*tasks)
        return door.entered

    assert asyncio.run(scene()) == list("abc")


def test_nobody_goes_in_until_every_pause_has_ended() -> None:
    async def scene() -> list[int]:
        door = Door(5)
        door.limiter.pause()
        door.limiter.pause()
        tasks = door.invite("abc")
        await settle()
        counts = [len(door.entered)]
        door.limiter.resume()
        await settle()
        counts.append(len(door.entered))
        door.limiter.resume()
        await asyncio.gather(*tasks)
        return [*counts, len(door.entered)]

    assert asyncio.run(scene()) == [0, 0, 3]


def test_who_was_in_before_goes_before_all_others() -> None:
    async def scene() -> list[str]:
        door = Door(1)
        door.invite("a")
        await settle()
        tasks = door.invite("bc")
        await settle()

        async def again() -> None:
            await door.limiter.enter(None)
            door.entered.append("again")

        tasks.append(asyncio.create_task(again()))
        await settle()
        for _ in range(3):
            door.limiter.leave()
            await settle()
        await asyncio.gather(*tasks)
        return door.entered

    assert asyncio.run(scene()) == ["a", "again", "b", "c"]


@pytest.mark.parametrize("is_let_in_first", [False, True])
def test_a_place_of_one_who_was_cancelled_is_not_lost(is_let_in_first: bool) -> None:
    async def scene() -> list[str]:
        door = Door(1)
        door.invite("a")
        await settle()
        waiting, last = door.invite("bc")
        await settle()
        if is_let_in_first:
            door.limiter.leave()
        waiting.cancel()
        if not is_let_in_first:
            door.limiter.leave()
        await last
        assert door.limiter.active == 1
        return door.entered

    assert asyncio.run(scene()) == ["a", "c"]


def test_nobody_goes_in_while_others_are_asked_to_wait() -> None:
    held = [0.02]

    async def scene() -> tuple[list[str], list[str]]:
        limiter = Limiter(lambda: 2, lambda: held[0])
        entered: list[str] = []

        async def come(name: str) -> None:
            if not limiter.try_enter():
                await limiter.enter(NOTHING)
            entered.append(name)

        tasks = [asyncio.create_task(come(name)) for name in "ab"]
        await settle()
        during = list(entered)
        held[0] = 0.0
        async with asyncio.timeout(5):
            await asyncio.gather(*tasks)
        return during, entered

    during, entered = asyncio.run(scene())

    assert (during, entered) == ([], ["a", "b"])


def test_a_wait_that_grew_meanwhile_is_waited_out() -> None:
    told = iter([0.01, 0.01, 0.02, 0.0, 0.0])

    async def scene() -> bool:
        limiter = Limiter(lambda: 1, lambda: next(told))
        assert not limiter.try_enter()
        async with asyncio.timeout(5):
            await limiter.enter(NOTHING)
        return True

    assert asyncio.run(scene())
    assert next(told) == 0.0
