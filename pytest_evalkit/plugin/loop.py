"""The session's event loop: made, run through interrupts, and given back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, TypeVar

T = TypeVar("T")


def new_loop() -> asyncio.AbstractEventLoop:
    """Make a loop; uvloop's where it is there, with which requests cost less."""
    if find_spec("uvloop") is None:
        loop = asyncio.new_event_loop()
    else:
        import uvloop

        loop = uvloop.new_event_loop()
    loop.set_exception_handler(_tell)
    return loop


def _tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what nobody looked at, but for interrupts: pytest has told those.

    All but those that land where a connection is read: uvloop takes whatever is raised
    there for an error of the connection. The request would be asked again, and the
    user's Ctrl-C be lost.
    """
    if not isinstance(context.get("exception"), KeyboardInterrupt):
        loop.default_exception_handler(context)
    elif "transport" in context:
        loop.call_soon(_interrupt)


def _interrupt() -> None:
    raise KeyboardInterrupt


def run_through(loop: asyncio.AbstractEventLoop, work: Awaitable[T]) -> T:
    """Run a loop until some work is done, whatever an interrupt left behind.

    An interrupt that landed in a task comes up again in each task that waits for that
    one, as often as the loop is run; and what was to stop the loop then may still do so.

    Args:
        loop: The loop, which stands still.
        work: What is to be done.

    Raises:
        BaseException: What the work raises.
    """
    task = asyncio.ensure_future(work, loop=loop)
    task.add_done_callback(lambda _: loop.stop())
    while not task.done():
        with suppress(KeyboardInterrupt):
            loop.run_forever()
    return task.result()


def close_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what is left on a loop, let it end, and give the loop back."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        run_through(loop, asyncio.wait(left))
    for task in left:
        if not task.cancelled():
            # Looked at, lest asyncio report it where nobody reads.
            task.exception()
    run_through(loop, loop.shutdown_asyncgens())
    run_through(loop, loop.shutdown_default_executor())
    loop.close()
