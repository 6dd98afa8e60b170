"""One resource for each event loop that asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Opened(Generic[T]):
    """A resource, and the generator whose end closes it."""

    resource: T
    lifetime: AsyncGenerator[T, None]


class PerLoop(Generic[T]):
    """Holds one resource for each event loop: connections belong to their loop.

    A run may use several loops, and a loop that is shut down ends its asynchronous
    generators: so a resource is closed on its own loop even where nobody could call
    ``aclose`` there.

    Args:
        open_one: Makes a generator that yields the resource once and closes it when
            the generator ends. It must not wait before it yields.
        is_closed: Tells whether a resource is of no more use.

    Attributes:
        opened: What is open, by its loop.
    """

    def __init__(
        self,
        open_one: Callable[[], AsyncGenerator[T, None]],
        is_closed: Callable[[T], bool],
    ) -> None:
        self.opened: dict[asyncio.AbstractEventLoop, Opened[T]] = {}
        self._open_one = open_one
        self._is_closed = is_closed

    @property
    def present(self) -> T | None:
        """The resource of the running loop; None while there is none, or no more."""
        opened = self.opened.get(asyncio.get_running_loop())
        if opened is None or self._is_closed(opened.resource):
            return None
        return opened.resource

    async def get(self) -> T:
        """Give the resource of the running loop, opened when it is first needed."""
        present = self.present
        if present is not None:
            return present
        self._forget_closed()
        lifetime = self._open_one()
        opened = Opened(await anext(lifetime), lifetime)
        self.opened[asyncio.get_running_loop()] = opened
        return opened.resource

    async def aclose(self) -> None:
        """Close the resources of this loop and of those that can be reached.

        A loop that stands still closes its own when it is shut down.
        """
        current = asyncio.get_running_loop()
        for loop, opened in list(self.opened.items()):
            if loop is current or loop.is_closed():
                await opened.lifetime.aclose()
            elif loop.is_running():
                closing = asyncio.run_coroutine_threadsafe(_close(opened), loop)
                await asyncio.wrap_future(closing)
            else:
                continue
            self.opened.pop(loop, None)

    def _forget_closed(self) -> None:
        for loop in [loop for loop in self.opened if loop.is_closed()]:
            self.opened.pop(loop, None)


async def _close(opened: Opened[T]) -> None:
    await opened.lifetime.aclose()
