from __future__ import annotations

import asyncio
import time

from pytest_evalkit.engine import LoopLag
from pytest_evalkit.engine.loop_lag import EVERY_S


async def looked(
    seconds: float, *, is_busy: bool, stands_still_s: float = 0
) -> LoopLag:
    lag = LoopLag(asyncio.get_running_loop(), lambda: is_busy)
    if stands_still_s:
        await asyncio.sleep(0)
        time.sleep(stands_still_s)  # noqa: ASYNC251 - it is to stand still
    await asyncio.sleep(seconds)
    lag.stop()
    return lag


def test_a_loop_that_stood_still_was_late() -> None:
    lag = asyncio.run(looked(2 * EVERY_S, is_busy=True, stands_still_s=4 * EVERY_S))

    assert max(lag.lags_s) >= 3 * EVERY_S - 0.001


def test_where_nothing_is_in_flight_nothing_is_late() -> None:
    lag = asyncio.run(looked(3 * EVERY_S, is_busy=False))

    assert list(lag.lags_s) == []


def test_what_has_been_stopped_looks_no_more() -> None:
    async def main() -> tuple[int, int]:
        lag = await looked(2 * EVERY_S, is_busy=True)
        before = len(lag.lags_s)
        await asyncio.sleep(3 * EVERY_S)
        return before, len(lag.lags_s)

    before, after = asyncio.run(main())

    assert before == after
