"""A time limit for the code of a task: its prompts, filters and scorers.

That code runs in this process, in the middle of everything else, and nobody can be sure
that it ends. On the main thread an alarm of the system interrupts it: Python's own loops,
regular expressions, large numbers and sleeps are interrupted wherever they are. On other
threads an exception is put before the thread, which meets it at its next step of Python.
Neither reaches code in C that does not come back to Python.

What is raised is no Exception, lest a scorer take it for its own and go on; and it is
raised again each second, lest one that takes everything does.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from types import FrameType
from typing import NoReturn, TypeVar

from pytest_evalkit.errors import ModelError

T = TypeVar("T")
RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

_AGAIN_S = 1.0
_LONGEST_LOOK_S = 0.25


class CodeTimeoutError(BaseException):
    """The code of a task took too long; the message says where it was."""


class CodeLimit:
    """Limits how long the code of a task may take at a time.

    Args:
        seconds: The limit, above zero; None for none.
    """

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds

    def __call__(self) -> AbstractContextManager[None]:
        """Limit a block, on whatever thread.

        The block raises ``CodeTimeoutError`` where it does not end in time.
        """
        if self._seconds is None:
            return nullcontext()
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and hasattr(signal, "setitimer"):
            return _by_alarm(self._seconds)
        return _WATCHDOG.watched(self._seconds)

    def flow(
        self, flow: Generator[Sequence[RequestT], Sequence[ResponseT], T]
    ) -> Generator[Sequence[RequestT], Sequence[ResponseT], T]:
        """Limit each step of a flow: what it does between asking and asking."""
        step = partial(next, flow)
        while True:
            with self():
                try:
                    requests = step()
                except StopIteration as stop:
                    ended: T = stop.value
                    return ended
            try:
                responses = yield requests
            except ModelError as error:
                step = partial(flow.throw, error)
            else:
                step = partial(flow.send, responses)


@contextmanager
def _by_alarm(seconds: float) -> Iterator[None]:
    """Limit a block on the main thread.

    An alarm that somebody has set already, such as pytest-timeout, is set again
    afterwards; one that comes sooner is left alone.
    """
    started = time.monotonic()
    other_s, other_again_s = signal.getitimer(signal.ITIMER_REAL)
    if 0 < other_s < seconds:
        yield
        return
    is_armed = True

    def ring(_: int, frame: FrameType | None) -> None:
        if is_armed:
            _interrupt(seconds, frame)

    usual = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_S)
    try:
        yield
    finally:
        is_armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)
        if other_s:
            left_s = max(other_s - (time.monotonic() - started), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, left_s, other_again_s)


def _interrupt(seconds: float, frame: FrameType | None) -> NoReturn:
    raise CodeTimeoutError(_message(seconds, frame))


def _message(seconds: float, frame: FrameType | None) -> str:
    place = ""
    if frame is not None:
        code = frame.f_code
        place = f" (in {code.co_name}, {code.co_filename}:{frame.f_lineno})"
    return (
        f"the task's code for this document did not end within {seconds:g} s "
        f"(--doc-timeout){place}"
    )


class _Watched:
    """A block that runs on some thread."""

    __slots__ = ("due", "is_told", "message", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.due = time.monotonic() + seconds
        self.message = ""
        self.is_told = False


class _Watchdog:
    """Looks after blocks on threads that get no alarms; a thread of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[int, _Watched] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def watched(self, seconds: float) -> Iterator[None]:
        """Limit a block on this thread.

        Raises:
            CodeTimeoutError: It did not end in time.
        """
        mine, block = threading.get_ident(), _Watched(seconds)
        with self._lock:
            self._watched[mine] = block
            self._start()
        try:
            yield
        except CodeTimeoutError:
            raise CodeTimeoutError(block.message) from None
        finally:
            with self._lock:
                del self._watched[mine]
                if block.is_told:
                    # It may have ended just before it met what was put before it.
                    _put_before(mine, None)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._look_after, name="evalkit-time-limit", daemon=True
            )
            self._thread.start()

    def _look_after(self) -> None:
        while True:
            time.sleep(_LONGEST_LOOK_S)
            with self._lock:
                now = time.monotonic()
                for thread, block in self._watched.items():
                    if now > block.due:
                        block.due = now + _AGAIN_S
                        self._interrupt(thread, block)

    def _interrupt(self, thread: int, block: _Watched) -> None:
        if not block.is_told:
            frame = sys._current_frames().get(thread)  # noqa: SLF001 - the only way
            block.message = _message(block.seconds, frame)
        block.is_told = True
        _put_before(thread, CodeTimeoutError)


def _put_before(thread: int, error: type[BaseException] | None) -> None:
    """Have a thread raise at its next step; None takes that back."""
    told = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), told)


_WATCHDOG = _Watchdog()
