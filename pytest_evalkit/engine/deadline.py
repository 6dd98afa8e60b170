"""A time limit that does not blame the endpoint for our own absence.

Between two documents the event loop stands still while pytest reports. A timer that
expires in that pause would fail a request whose answer lies in the socket's buffer;
so a timer that fires late gives the lateness back before it counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# A loop that runs fires its timers within milliseconds.
_LATE_S = 0.05


@asynccontextmanager
async def patient_timeout(seconds: float) -> AsyncIterator[None]:
    """Limit the time that a block may take while the loop runs.

    Raises:
        TimeoutError: The block did not end in time.
    """
    loop = asyncio.get_running_loop()
    due = loop.time() + seconds
    async with asyncio.timeout(None) as timeout:
        timer = _PatientTimer(loop, timeout, due)
        try:
            yield
        finally:
            timer.cancel()


class _PatientTimer:
    """Ends a time limit, unless it was kept from doing so when it was due."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, timeout: asyncio.Timeout, due: float
    ) -> None:
        self._loop = loop
        self._timeout = timeout
        self._handle = loop.call_at(due, self._fire, due)

    def _fire(self, due: float) -> None:
        now = self._loop.time()
        lateness = now - due
        if lateness > _LATE_S:
            again = now + lateness
            self._handle = self._loop.call_at(again, self._fire, again)
        else:
            self._timeout.reschedule(now)

    def cancel(self) -> None:
        """Let the limit go."""
        self._handle.cancel()
