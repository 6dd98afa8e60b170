"""How late an event loop is: whether the client keeps up with what it measures."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Sequence

EVERY_S = 0.05


class LoopLag:
    """Looks twenty times a second by how much the loop is late.

    Only while requests are in flight: where nothing is measured, nothing can be late.

    Args:
        loop: The event loop.
        is_busy: Whether requests are in flight now.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, is_busy: Callable[[], bool]
    ) -> None:
        self._loop = loop
        self._is_busy = is_busy
        self._lags_s = array("d")
        self._was_busy = False
        self._due = loop.time() + EVERY_S
        self._timer = loop.call_at(self._due, self._look)

    @property
    def lags_s(self) -> Sequence[float]:
        """By how many seconds it was late each time."""
        return self._lags_s

    def _look(self) -> None:
        now = self._loop.time()
        is_busy = self._is_busy()
        if is_busy or self._was_busy:
            self._lags_s.append(max(0.0, now - self._due))
        self._was_busy = is_busy
        self._due = now + EVERY_S
        self._timer = self._loop.call_at(self._due, self._look)

    def stop(self) -> None:
        """Look no more."""
        self._timer.cancel()
