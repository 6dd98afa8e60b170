"""A place in flight that is kept from one request to the next."""

from __future__ import annotations

from pytest_evalkit.engine.limiter import Limiter
from pytest_evalkit.engine.ordering import Beginning


class KeptPlace:
    """One of a limiter's places, which several requests use one after another.

    It is entered and left as a limiter is, and stays taken in between. While nobody may
    go in, whoever is in it waits too, and then goes before all others.

    Args:
        limiter: Has let in whoever keeps the place.
    """

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._is_in = True

    @property
    def active(self) -> int:
        """How many are in."""
        return self._limiter.active

    def try_enter(self) -> bool:
        """Go in, if that needs no waiting."""
        return self._is_in and not self._limiter.is_closed

    async def enter(self, beginning: Beginning | None) -> None:
        """Wait until one may go in, and go in."""
        del beginning
        if self.try_enter():
            return
        self.give_back()
        await self._limiter.enter(None)
        self._is_in = True

    def leave(self) -> None:
        """Stay: the place is kept."""

    def give_back(self) -> None:
        """Let others have it; a second time does nothing."""
        if self._is_in:
            self._is_in = False
            self._limiter.leave()

    def pause(self) -> None:
        """Let nobody in until this and every other pause has ended."""
        self._limiter.pause()

    def resume(self) -> None:
        """End one pause."""
        self._limiter.resume()
