"""Who may go now: so many at once, in order, and nobody during a pause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pytest_evalkit.engine.ordering import Beginning, WaitingRoom

Place = asyncio.Future[None]


class Limiter:
    """Lets so many in at once; belongs to one event loop.

    The limit may be set anew at any time: when it falls, who is in stays in.

    Args:
        limit: Tells the most that may be in at once.
        held_s: Tells for how many seconds nobody is to go in for others' sake; None
            where there are no others.
    """

    def __init__(
        self, limit: Callable[[], int], held_s: Callable[[], float] | None = None
    ) -> None:
        self._limit = limit
        self._held_s = held_s
        self._waking: asyncio.TimerHandle | None = None
        self._pauses = 0
        self._waiting: WaitingRoom[Place] = WaitingRoom()
        self.active = 0

    def try_enter(self) -> bool:
        """Go in, if that needs no waiting."""
        if self._waiting or not self._has_room():
            return False
        self.active += 1
        return True

    async def enter(self, beginning: Beginning | None) -> None:
        """Wait for a turn and go in.

        Args:
            beginning: What puts it in order; None for one who goes before all others,
                since it was in already.
        """
        place: Place = asyncio.get_running_loop().create_future()
        if beginning is None:
            self._waiting.add_first(place)
        else:
            self._waiting.add(place, beginning)
        self.refill()
        try:
            await place
        except asyncio.CancelledError:
            self._waiting.discard(place)
            if place.done() and not place.cancelled():
                # Let in and cancelled at the same moment.
                self.leave()
            raise

    def leave(self) -> None:
        """Make room for the next."""
        self.active -= 1
        self.refill()

    def refill(self) -> None:
        """Let in whoever may go; to be called when the limit has grown."""
        while self._waiting and self._has_room():
            place = self._waiting.take()
            # One who was cancelled may not have had the time to say so.
            if not place.done():
                self.active += 1
                place.set_result(None)

    def _has_room(self) -> bool:
        return self.active < self._limit() and not self.is_closed

    def _is_held(self, seconds: float) -> bool:
        if seconds <= 0:
            return False
        if self._waking is None:
            loop = asyncio.get_running_loop()
            self._waking = loop.call_later(seconds, self._wake)
        return True

    def _wake(self) -> None:
        self._waking = None
        self.refill()

    @property
    def is_closed(self) -> bool:
        """Whether nobody may go in, however much room there is."""
        if self._pauses:
            return True
        return self._held_s is not None and self._is_held(self._held_s())

    def pause(self) -> None:
        """Let nobody in until this and every other pause has ended."""
        self._pauses += 1

    def resume(self) -> None:
        """End one pause; who comes back from it in the same turn goes first."""
        self._pauses -= 1
        asyncio.get_running_loop().call_soon(self.refill)
