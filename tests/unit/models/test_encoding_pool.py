from __future__ import annotations

import asyncio
import threading

import pytest

from pytest_evalkit.models.encoding_pool import EncodingPool, Made


def made(value: str, size: int = 10) -> Made[str]:
    return Made(value, size)


def test_what_is_remembered_is_made_once() -> None:
    calls: list[str] = []

    def make() -> Made[str]:
        calls.append("made")
        return made("a")

    async def use(pool: EncodingPool[str]) -> list[str]:
        together = await asyncio.gather(*(pool.make("k", make) for _ in range(5)))
        later = await pool.make("k", make)
        await pool.aclose()
        return [*together, later]

    assert asyncio.run(use(EncodingPool(max_bytes=100))) == ["a"] * 6
    assert calls == ["made"]


def test_what_was_used_longest_ago_is_forgotten_first() -> None:
    calls: list[str] = []

    async def use(pool: EncodingPool[str]) -> int:
        async def get(key: str) -> str:
            def make() -> Made[str]:
                calls.append(key)
                return made(key, 40)

            return await pool.make(key, make)

        for key in ("a", "b", "a", "c", "a", "b"):
            assert await get(key) == key
        await pool.aclose()
        return pool.kept_bytes

    kept_bytes = asyncio.run(use(EncodingPool(max_bytes=100)))

    assert calls == ["a", "b", "c", "b"]
    assert kept_bytes == 80


def test_what_is_larger_than_the_store_is_not_remembered() -> None:
    async def use(pool: EncodingPool[str]) -> int:
        assert await pool.make("k", lambda: made("a", 101)) == "a"
        await pool.aclose()
        return pool.kept_bytes

    assert asyncio.run(use(EncodingPool(max_bytes=100))) == 0


def test_a_failure_is_raised_and_not_remembered() -> None:
    def fail() -> Made[str]:
        raise OSError("the disk is full")

    async def use(pool: EncodingPool[str]) -> str:
        with pytest.raises(OSError, match="full"):
            await pool.make("k", fail)
        value = await pool.make("k", lambda: made("a"))
        await pool.aclose()
        return value

    assert asyncio.run(use(EncodingPool(max_bytes=100))) == "a"


def test_one_that_gives_up_takes_nothing_from_the_other() -> None:
    may_go_on = threading.Event()

    def make() -> Made[str]:
        may_go_on.wait()
        return made("a")

    async def use(pool: EncodingPool[str]) -> str:
        hasty, patient = (asyncio.create_task(pool.make("k", make)) for _ in range(2))
        await asyncio.sleep(0)
        hasty.cancel()
        await asyncio.wait([hasty])
        may_go_on.set()
        value = await patient
        await pool.aclose()
        return value

    assert asyncio.run(use(EncodingPool(max_bytes=100, threads=1))) == "a"


def test_what_is_short_does_not_wait_for_what_is_being_made() -> None:
    may_go_on = threading.Event()

    def make() -> Made[str]:
        may_go_on.wait()
        return made("a")

    async def use(pool: EncodingPool[str]) -> tuple[str, str]:
        making = asyncio.create_task(pool.make("k", make))
        await asyncio.sleep(0)
        short = await pool.run(lambda: "short")
        may_go_on.set()
        value = await making
        await pool.aclose()
        return short, value

    assert asyncio.run(use(EncodingPool(max_bytes=100, threads=1))) == ("short", "a")


def test_a_closed_pool_can_be_used_again() -> None:
    async def use(pool: EncodingPool[str]) -> str:
        await pool.aclose()
        first = await pool.make("k", lambda: made("a"))
        await pool.aclose()
        second = await pool.make("l", lambda: made("b"))
        await pool.aclose()
        return first + second

    assert asyncio.run(use(EncodingPool(max_bytes=100))) == "ab"
