"""A few threads that encode media, and a bounded store of what they made."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
R = TypeVar("R")

# The event loop needs a core to itself, or every system call waits for one; and many
# threads take turns at the interpreter, the loop among them.
_MOST_THREADS = 4
_HAS_AFFINITY = hasattr(os, "sched_getaffinity")


def _suitable_threads() -> int:
    cores = len(os.sched_getaffinity(0)) if _HAS_AFFINITY else os.cpu_count() or 1
    return max(1, min(_MOST_THREADS, cores - 1))


def _executor(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="evalkit-media")


class Made(NamedTuple, Generic[T]):
    """Something that was made, and the bytes that keeping it takes."""

    value: T
    size: int


class EncodingPool(Generic[T]):
    """Makes things in threads, each once while it is wanted or remembered.

    Several event loops may use it. The threads start with the first thing to make.

    Args:
        max_bytes: How much to remember; what was used longest ago is forgotten first.
        threads: How many to use; None for what suits this machine.
    """

    def __init__(self, *, max_bytes: int, threads: int | None = None) -> None:
        self._max_bytes = max_bytes
        self._threads = threads or _suitable_threads()
        self._making: ThreadPoolExecutor | None = None
        self._running: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Made[T]] = OrderedDict()
        self._kept_bytes = 0
        self._under_way: dict[Hashable, Future[T]] = {}

    @property
    def kept_bytes(self) -> int:
        """How many bytes are remembered."""
        return self._kept_bytes

    async def run(self, function: Callable[[], R]) -> R:
        """Run a short function in a thread of its own; whatever it raises is raised.

        It does not wait for things to be made: what is ready should not queue behind
        what is not even begun.
        """
        with self._lock:
            if self._running is None:
                self._running = _executor(1)
            future = self._running.submit(function)
        return await asyncio.wrap_future(future)

    async def make(self, key: Hashable, function: Callable[[], Made[T]]) -> T:
        """Give what a key stands for, made in a thread if it is not remembered.

        Whatever the function raises is raised, and made anew the next time.

        Args:
            key: What identifies it.
            function: Makes it.
        """
        with self._lock:
            made = self._kept.get(key)
            if made is not None:
                self._kept.move_to_end(key)
                return made.value
            future = self._under_way.get(key)
            if future is None:
                if self._making is None:
                    self._making = _executor(self._threads)
                future = self._making.submit(self._make, key, function)
                self._under_way[key] = future
        # Another request may wait for the same: giving up is this one's alone.
        return await asyncio.shield(asyncio.wrap_future(future))

    async def aclose(self) -> None:
        """End the threads; another thing to make would start them again."""
        with self._lock:
            executors = (self._making, self._running)
            self._making = self._running = None
            self._under_way.clear()
        for executor in executors:
            if executor is not None:
                executor.shutdown(wait=False, cancel_futures=True)
                await asyncio.to_thread(executor.shutdown)

    def _make(self, key: Hashable, function: Callable[[], Made[T]]) -> T:
        try:
            made = function()
        except BaseException:
            with self._lock:
                self._under_way.pop(key, None)
            raise
        with self._lock:
            self._under_way.pop(key, None)
            self._keep(key, made)
        return made.value

    def _keep(self, key: Hashable, made: Made[T]) -> None:
        if made.size > self._max_bytes or key in self._kept:
            return
        self._kept[key] = made
        self._kept_bytes += made.size
        while self._kept_bytes > self._max_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._kept_bytes -= oldest.size
