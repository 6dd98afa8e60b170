from __future__ import annotations

import asyncio
import time

import pytest

from pytest_evalkit.engine.deadline import PatientTimeout


def test_a_block_that_takes_too_long_is_ended() -> None:
    async def slow() -> None:
        with PatientTimeout(0.01):
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        asyncio.run(slow())


def test_a_block_that_is_quick_returns_and_leaves_no_timer() -> None:
    async def quick() -> str:
        with PatientTimeout(0.01):
            await asyncio.sleep(0)
        await asyncio.sleep(0.03)
        return "done"

    assert asyncio.run(quick()) == "done"


def test_an_answer_that_came_while_the_loop_stood_still_counts() -> None:
    async def blocked() -> str:
        with PatientTimeout(0.02):
            answer = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(0.025, answer.set_result, "4")
            # pytest reports; nothing of the loop runs meanwhile.
            time.sleep(0.2)  # noqa: ASYNC251 - standing still is the point
            return str(await answer)

    assert asyncio.run(blocked()) == "4"


def test_lateness_is_given_back_once_and_then_the_limit_holds() -> None:
    async def blocked() -> None:
        with PatientTimeout(0.02):
            time.sleep(0.1)  # noqa: ASYNC251 - standing still is the point
            await asyncio.sleep(60)

    started = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(blocked())

    # 0.1 s late by 0.08 s, which are given back: due at about 0.18 s.
    assert 0.17 <= time.monotonic() - started < 5


def test_an_error_of_the_block_passes_through() -> None:
    async def broken() -> None:
        with PatientTimeout(5):
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        asyncio.run(broken())


def test_a_cancellation_from_outside_is_no_timeout() -> None:
    async def cancelled() -> None:
        async def wait() -> None:
            with PatientTimeout(60):
                await asyncio.sleep(60)

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
