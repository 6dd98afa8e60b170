from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator

import pytest

from pytest_evalkit.plugin import loop as loop_module
from pytest_evalkit.plugin.loop import PoliteLoop, close_loop, new_loop, run_through


@pytest.fixture(params=[True, False], ids=["uvloop if there", "asyncio"])
def loop(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[asyncio.AbstractEventLoop]:
    if not request.param:
        monkeypatch.setattr(loop_module, "find_spec", lambda _: None)
    loop = new_loop()
    yield loop
    if not loop.is_closed():
        loop.close()


async def interrupted() -> None:
    raise KeyboardInterrupt


async def waiting(depth: int) -> None:
    await asyncio.ensure_future(waiting(depth - 1) if depth else interrupted())


def interrupt(loop: asyncio.AbstractEventLoop, depth: int) -> asyncio.Task[None]:
    """Run a loop as the look-ahead does, until an interrupt lands in a task."""
    task = loop.create_task(waiting(depth))
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    return task


def test_an_interrupt_does_not_come_up_again_where_work_must_be_done(
    loop: asyncio.AbstractEventLoop,
) -> None:
    task = interrupt(loop, 3)

    done = run_through(loop, asyncio.sleep(0.001, "done"))

    assert done == "done"
    assert isinstance(task.exception(), KeyboardInterrupt)


def test_what_was_to_stop_the_loop_does_not_leave_work_undone(
    loop: asyncio.AbstractEventLoop,
) -> None:
    loop.call_soon(loop.stop)
    loop.call_later(0.001, loop.stop)

    assert run_through(loop, asyncio.sleep(0.01, "done")) == "done"


def test_what_the_work_raises_is_raised(loop: asyncio.AbstractEventLoop) -> None:
    async def fail() -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        run_through(loop, fail())


def test_a_loop_is_closed_when_all_on_it_has_ended(
    loop: asyncio.AbstractEventLoop,
) -> None:
    ended: list[str] = []

    async def long() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append("long")

    left = loop.create_task(long())
    interrupt(loop, 3)

    close_loop(loop)

    assert left.cancelled()
    assert ended == ["long"]
    assert loop.is_closed()


def test_an_interrupt_that_nobody_looked_at_is_not_reported(
    loop: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    for error in (KeyboardInterrupt("Ctrl-C"), OSError("the disk is full")):
        loop.call_exception_handler({"message": "never looked at", "exception": error})

    assert "the disk is full" in caplog.text
    assert "Ctrl-C" not in caplog.text


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_lands_between_two_steps_of_the_loop(
    loop: asyncio.AbstractEventLoop,
) -> None:
    steps: list[str] = []

    async def work() -> None:
        press()
        steps.append("the step goes on")
        await asyncio.sleep(60)

    task = loop.create_task(work())
    polite = PoliteLoop(loop)

    with pytest.raises(KeyboardInterrupt):
        polite.run()

    assert steps == ["the step goes on"]
    assert not task.done()
    polite.release()
    close_loop(loop)


def test_between_runs_an_interrupt_is_what_it_was(
    loop: asyncio.AbstractEventLoop,
) -> None:
    polite = PoliteLoop(loop)
    loop.call_soon(loop.stop)
    polite.run()

    with pytest.raises(KeyboardInterrupt):
        press()
    polite.release()

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_step_that_does_not_end_is_interrupted_where_it_is(
    loop: asyncio.AbstractEventLoop,
) -> None:
    async def work() -> None:
        press()
        time.sleep(60)  # noqa: ASYNC251 - what blocks is meant

    task = loop.create_task(work())
    polite = PoliteLoop(loop)

    with pytest.raises(KeyboardInterrupt):
        polite.run()
    polite.release()

    assert isinstance(task.exception(), KeyboardInterrupt)
    close_loop(loop)
