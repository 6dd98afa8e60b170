"""Documents under way before pytest asks for them.

pytest runs one item after another; a model answers many requests at once. The look-ahead
starts the documents of the coming items, some more than may be asked at once, so that
there is something to put in order, and an item that runs waits for its own. One event
loop on the main thread does it all: it runs while an item waits, and is given a turn
now and then while finished items are being reported.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from time import monotonic
from typing import Any

from pytest_evalkit.evaluate import DocumentOutcome
from pytest_evalkit.plugin.collection import DocumentItem
from pytest_evalkit.plugin.loop import PoliteLoop, run_through
from pytest_evalkit.plugin.watch import Watch

# Reporting leaves the loop standing still; longer than this, and requests that could
# have been sent wait for no reason.
_TURN_S = 0.004
_TICK_S = 0.25
# Before reporting goes on: rounds of the loop from the bytes of an answer to those of the
# next request, and how long a burst of answers may keep it waiting.
_QUIET_ROUNDS = 8
_LINGER_S = 0.02
# Answered documents that go on in each round of the loop: so many, or a share of them.
_WOKEN = 2
_SHARE_WOKEN = 16


class LeftOutError(Exception):
    """A document is not needed any more; nothing became of it."""


Start = Callable[[DocumentItem], Coroutine[Any, Any, DocumentOutcome] | None]


class Lookahead:
    """Runs documents ahead of their items.

    Args:
        loop: The session's event loop.
        start: Makes the coroutine that evaluates a document, or None while its model
            is not known yet.
        limit: Tells the most documents under way, with a given one that is to start; it
            may change, and be none.
        watch: Hears of each document that ended, and is called now and then while
            nothing ends.

    Attributes:
        each_tick: Called now and then while nothing ends.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        start: Start,
        limit: Callable[[DocumentItem], int],
        watch: Watch,
    ) -> None:
        self._loop = loop
        self._polite = PoliteLoop(loop)
        self._start = start
        self._limit = limit
        self._watch = watch
        self._coming: deque[DocumentItem] = deque()
        self._tasks: dict[DocumentItem, asyncio.Task[DocumentOutcome]] = {}
        self._started_at: dict[DocumentItem, float] = {}
        self._running = 0
        self._resting: deque[asyncio.Future[None]] = deque()
        self._last_turn = monotonic()
        self._quiet_rounds = 0
        self._stop_at = 0.0
        self._fault: BaseException | None = None
        self.each_tick: Callable[[], None] = watch.show
        self._is_closing = False
        self._next_tick: asyncio.TimerHandle
        self._next_round: asyncio.Handle | None = None

    @property
    def running(self) -> int:
        """How many documents are under way."""
        return self._running

    def under_way(self) -> Sequence[tuple[DocumentItem, float]]:
        """List the documents that have not ended, and when they began.

        Times are of ``time.monotonic``. May be called from any thread.
        """
        started = list(self._started_at.items())
        running = {item for item, task in list(self._tasks.items()) if not task.done()}
        return [(item, at) for item, at in started if item in running]

    def plan(self, items: Iterable[DocumentItem]) -> None:
        """Tell which documents will be asked for, in which order."""
        self._coming.extend(items)

    def is_begun(self, item: DocumentItem) -> bool:
        """Tell whether a document is under way, or has ended and is waited for."""
        return item in self._tasks

    def fill(self) -> None:
        """Begin as many documents as may be under way; to be called on the loop."""
        if self._fault is None and not self._is_closing:
            self._fill()

    def forget(self, item: DocumentItem) -> None:
        """Take back a document that is not to be run."""
        if self._coming and self._coming[0] is item:
            self._coming.popleft()
        elif item in self._coming:
            self._coming.remove(item)

    def leave_out(self, is_left_out: Callable[[DocumentItem], bool]) -> None:
        """Take back documents that are not needed any more, also those under way."""
        self._coming = deque(one for one in self._coming if not is_left_out(one))
        for item, task in list(self._tasks.items()):
            if is_left_out(item):
                task.cancel()

    def outcome(self, item: DocumentItem) -> DocumentOutcome:
        """Get how a document ended, waiting for it if need be.

        Raises:
            LeftOutError: It was left out while it was waited for.
            EvalkitError: The run cannot go on; raised for whichever document meets it,
                at once.
        """
        task = self._tasks.get(item)
        if task is None:
            # At the start, and where the model became known only now.
            self._fill()
            task = self._tasks.get(item) or self._begin(item)
        if not task.done():
            self._run_until(task)
        elif monotonic() - self._last_turn > _TURN_S:
            self._turn()
        del self._tasks[item], self._started_at[item]
        if task.cancelled():
            raise LeftOutError
        return task.result()

    def rest(self) -> Awaitable[None]:
        """Let requests go first: what follows an answer can wait, the endpoint should not.

        To be awaited by a document that has an answer.
        """
        place = self._loop.create_future()
        self._resting.append(place)
        if len(self._resting) == 1:
            self._loop.call_soon(self._wake)
        return place

    def _wake(self) -> None:
        """Let some go on; more of them the more there are, so that all will."""
        for _ in range(max(_WOKEN, len(self._resting) // _SHARE_WOKEN)):
            if not self._resting:
                return
            place = self._resting.popleft()
            if not place.done():
                place.set_result(None)
        if self._resting:
            self._loop.call_soon(self._wake)

    def stop_listening(self) -> None:
        """Handle interrupts no more."""
        self._polite.release()

    def close(self) -> None:
        """Cancel what is under way and wait until it has ended."""
        self._coming.clear()
        self._is_closing = True
        self._conclude_answered()
        tasks = [task for task in self._tasks.values() if not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            run_through(self._loop, asyncio.wait(tasks))
        for task in self._tasks.values():
            if task.done() and not task.cancelled():
                task.exception()
        self._tasks.clear()

    def _conclude_answered(self) -> None:
        """Let documents end that have their answers: somebody paid for these."""
        for place in self._resting:
            if not place.done():
                place.set_result(None)
        self._resting.clear()
        run_through(self._loop, _rounds(_QUIET_ROUNDS))

    def _fill(self) -> None:
        task, limit = None, 0
        while self._coming:
            item = self._coming[0]
            if item in self._tasks:
                self._coming.popleft()
                continue
            if task is not item.parent:
                task, limit = item.parent, self._limit(item)
            if self._running >= limit:
                return
            coroutine = self._start(item)
            if coroutine is None:
                return
            self._coming.popleft()
            self._launch(item, coroutine)

    def _begin(self, item: DocumentItem) -> asyncio.Task[DocumentOutcome]:
        """Start a document out of turn: the order of items is not ours to assume."""
        if item in self._coming:
            self._coming.remove(item)
        coroutine = self._start(item)
        assert coroutine is not None, "the model of a running item is known"
        return self._launch(item, coroutine)

    def _launch(
        self, item: DocumentItem, coroutine: Coroutine[Any, Any, DocumentOutcome]
    ) -> asyncio.Task[DocumentOutcome]:
        task = self._loop.create_task(coroutine)
        self._tasks[item] = task
        self._started_at[item] = monotonic()
        self._running += 1
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[DocumentOutcome]) -> None:
        self._running -= 1
        self._quiet_rounds = 0
        if self._is_closing:
            return
        if task.cancelled():
            if self._loop.is_running():
                self._fill()
            return
        if task.exception() is not None:
            if self._fault is None:
                # Stopped twice, uvloop would stop whoever runs it next.
                self._loop.stop()
            self._fault = task.exception()
            self._coming.clear()
            return
        self._watch.count(task.result())
        if self._loop.is_running():
            self._fill()

    def _run_until(self, task: asyncio.Task[DocumentOutcome]) -> None:
        task.add_done_callback(self._stop)
        self._next_tick = self._loop.call_later(_TICK_S, self._tick)
        try:
            while not task.done() and self._fault is None:
                self._polite.run()
        finally:
            task.remove_done_callback(self._stop)
            self._next_tick.cancel()
            self._end_turn()
        self._raise_fault()

    def _stop(self, _: object) -> None:
        """Stop the loop soon: as long as documents end, requests want to be sent."""
        self._stop_at = monotonic() + _LINGER_S
        self._quiet_rounds = 0
        self._linger()

    def _linger(self) -> None:
        if self._is_closing:
            # An interrupt left this behind; nobody waits to be stopped any more.
            return
        is_quiet = self._quiet_rounds >= _QUIET_ROUNDS or self._running == 0
        if is_quiet or monotonic() > self._stop_at:
            self._loop.stop()
            return
        self._quiet_rounds += 1
        self._next_round = self._loop.call_soon(self._linger)

    def _tick(self) -> None:
        """Show that time goes by, however slow the document that is waited for."""
        self.each_tick()
        self._next_tick = self._loop.call_later(_TICK_S, self._tick)

    def _turn(self) -> None:
        """Let the loop do what is at hand."""
        self._next_round = self._loop.call_soon(self._stop, None)
        try:
            self._polite.run()
        finally:
            self._end_turn()
        self._raise_fault()

    def _end_turn(self) -> None:
        if self._next_round is not None:
            # It would stop the loop the next time that it runs.
            self._next_round.cancel()
        self._last_turn = monotonic()

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault


async def _rounds(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
