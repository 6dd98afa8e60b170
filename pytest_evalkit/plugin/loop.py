"""The session's event loop: made, run through interrupts, and given back."""

from __future__ import annotations

import _thread
import asyncio
import signal
import threading
import time
from collections.abc import Awaitable
from contextlib import suppress
from importlib.util import find_spec
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

# Seconds until code that keeps the loop from stopping is interrupted where it is.
_PATIENCE_S = 1.0


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


class PoliteLoop:
    """Runs a loop so that an interrupt lands between two of its steps, not in one.

    Within a step it could land anywhere: where a lock was just taken that nobody would
    give back, such as that of importing. So the loop is stopped first, and only code
    that does not come back to it is interrupted where it is.

    Setting a handler takes longer than a short run, so it stays until it is released;
    between runs, interrupts are what they were.

    Args:
        loop: The loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._is_asked_for = True
        self._is_set = False
        self._is_running = False
        self._is_pressed = False

    def run(self) -> None:
        """Run the loop until it is stopped.

        Raises:
            KeyboardInterrupt: It was interrupted.
        """
        if self._is_asked_for:
            self._is_asked_for = False
            self._set()
        self._is_running = True
        try:
            self._loop.run_forever()
        finally:
            self._is_running = False
        if self._is_pressed:
            self._is_pressed = False
            raise KeyboardInterrupt

    def _set(self) -> None:
        """Handle interrupts, unless somebody else does."""
        usual = signal.getsignal(signal.SIGINT)
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and usual is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._take)
            self._is_set = True

    def release(self) -> None:
        """Handle interrupts no more."""
        if self._is_set:
            self._is_set = False
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._is_pressed or not self._is_running:
            self._is_pressed = False
            signal.default_int_handler(number, frame)
        self._is_pressed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        # Threads of ``threading`` take locks, which may be held here.
        _thread.start_new_thread(self._insist, ())

    def _insist(self) -> None:
        time.sleep(_PATIENCE_S)
        if self._is_pressed:
            main = threading.main_thread().ident
            assert main is not None, "it has begun"
            signal.pthread_kill(main, signal.SIGINT)
