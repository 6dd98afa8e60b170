"""A time limit that does not blame the endpoint for our own absence.

Between two documents the event loop stands still while pytest reports. A timer that
expires in that pause would fail a request whose answer lies in the socket's buffer;
so a timer that fires late gives the lateness back before it counts.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

# A loop that runs fires its timers within milliseconds.
_LATE_S = 0.05


class PatientTimeout:
    """Limits the time that a block may take while the loop runs.

    Used in a task as ``with PatientTimeout(60.0): ...``; leaving the block raises
    ``TimeoutError`` when it did not end in time.

    Args:
        seconds: The limit.
    """

    __slots__ = ("_cancelling", "_handle", "_has_fired", "_loop", "_seconds", "_task")

    _handle: asyncio.TimerHandle
    _loop: asyncio.AbstractEventLoop
    _task: asyncio.Task[object]
    _cancelling: int

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._has_fired = False

    def __enter__(self) -> Self:
        """Start the time."""
        task = asyncio.current_task()
        assert task is not None, "a time limit belongs to a task"
        self._task = task
        self._cancelling = task.cancelling()
        self._loop = task.get_loop()
        due = self._loop.time() + self._seconds
        self._handle = self._loop.call_at(due, self._fire, due)
        return self

    def _fire(self, due: float) -> None:
        now = self._loop.time()
        lateness = now - due
        if lateness > _LATE_S:
            again = now + lateness
            self._handle = self._loop.call_at(again, self._fire, again)
            return
        self._has_fired = True
        self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        """Stop the time.

        Raises:
            TimeoutError: The block did not end in time.
        """
        self._handle.cancel()
        # Somebody else may have cancelled the task as well; then that is what counts.
        if (
            self._has_fired
            and self._task.uncancel() <= self._cancelling
            and kind is asyncio.CancelledError
        ):
            raise TimeoutError from error
