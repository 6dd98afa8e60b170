"""What the code of a task may take: its prompts, filters and scorers.

That code runs in this process, in the middle of everything else, and nobody can be sure
that it ends. On the main thread an alarm of the system interrupts it: Python's own
loops, regular expressions, large numbers and sleeps are interrupted wherever they are. On
other threads an exception is put before the thread, which meets it at its next step of
Python. Neither reaches code in C that does not come back to Python. Memory is bounded by
the kernel, where that does so.

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
from contextlib import AbstractContextManager, contextmanager
from types import FrameType, TracebackType
from typing import Any, TypeVar

from pytest_evalkit.evaluate.memory_limit import within_memory

T = TypeVar("T")
RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

_GIB = 1 << 30
# Whole microseconds and a binary fraction, as the system gives it back; and nobody
# else's, so that an alarm of ours is known by it.
_AGAIN_S = 1 + 1 / 64
_LONGEST_LOOK_S = 0.25
_HAS_ALARMS = hasattr(signal, "setitimer")


class CodeLimitError(BaseException):
    """The code of a task took too much; the message says of what, and where it was."""


class CodeLimit:
    """Limits what the code of a task may take at a time.

    Args:
        seconds: The most time, above zero; None for no limit.
        memory_bytes: The most memory, above zero; None for no limit.
    """

    def __init__(self, seconds: float | None, memory_bytes: int | None = None) -> None:
        self._seconds = seconds
        self._memory_bytes = memory_bytes

    def __call__(self) -> AbstractContextManager[None]:
        """Limit a block, on whatever thread.

        The block raises ``CodeLimitError`` where it does not end in time, or wants more
        memory than it may have, or than there is.
        """
        return _Block(self._seconds, self._memory_bytes)

    def flow(
        self,
        flow: Generator[Sequence[RequestT], Sequence[ResponseT], T],
        *,
        begins_free: bool = False,
    ) -> Generator[Sequence[RequestT], Sequence[ResponseT], T]:
        """Limit each step of a flow: what it does between asking and asking.

        Args:
            flow: The flow.
            begins_free: Whether it asks first, without any code of the task.
        """
        return _LimitedFlow(self, flow, begins_free)


class _LimitedFlow(Generator[Sequence[RequestT], Sequence[ResponseT], T]):
    """A flow whose steps are limited; not a generator itself, which costs a step more."""

    __slots__ = ("_flow", "_is_free", "_limit")

    def __init__(
        self,
        limit: CodeLimit,
        flow: Generator[Sequence[RequestT], Sequence[ResponseT], T],
        begins_free: bool,
    ) -> None:
        self._limit = limit
        self._flow = flow
        self._is_free = begins_free

    def send(self, responses: Any) -> Sequence[RequestT]:
        if self._is_free:
            self._is_free = False
            return self._flow.send(responses)
        with self._limit():
            return self._flow.send(responses)

    def throw(self, *error: Any) -> Sequence[RequestT]:
        with self._limit():
            return self._flow.throw(*error)


class _Block:
    """A block that is limited; it runs twice or thrice for each document."""

    __slots__ = ("_alarm", "_memory", "_memory_bytes", "_seconds", "_watched")

    def __init__(self, seconds: float | None, memory_bytes: int | None) -> None:
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._alarm: _Alarm | _PoliteAlarm | None = None
        self._watched: AbstractContextManager[None] | None = None
        self._memory: AbstractContextManager[None] | None = None

    def __enter__(self) -> None:
        if self._seconds is not None:
            if _HAS_ALARMS and threading.get_ident() == threading.main_thread().ident:
                self._alarm = _alarm(self._seconds)
            else:
                self._watched = _WATCHDOG.watched(self._seconds)
                self._watched.__enter__()
        if self._memory_bytes is not None:
            self._memory = within_memory(self._memory_bytes)
            self._memory.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._alarm is not None:
            self._alarm.stop()
        if self._memory is not None:
            self._memory.__exit__(None, None, None)
        if self._watched is not None:
            self._watched.__exit__(kind, error, trace)
        if error is not None and isinstance(error, MemoryError):
            raise CodeLimitError(self._memory_message()) from error

    def _memory_message(self) -> str:
        most = "there is"
        if self._memory_bytes is not None:
            most = f"{self._memory_bytes / _GIB:g} GiB (--doc-memory)"
        return f"the task's code for this document wanted more memory than {most}"


class _Alarm:
    """Interrupts the main thread when its time is over, where nobody else uses alarms.

    Asking the system costs microseconds, and most blocks take no longer than that. So the
    alarm that one block set is left standing for those after it: when it rings, it is set
    again for the block that runs then, and where none runs it is the last of its kind.
    """

    __slots__ = ("_due", "_seconds", "handler")

    def __init__(self) -> None:
        self._due: float | None = None
        self._seconds = 0.0
        self.handler = self._ring

    def begin(self, seconds: float) -> None:
        self._seconds = seconds
        self._due = time.monotonic() + seconds

    def _ring(self, _: int, frame: FrameType | None) -> None:
        if self._due is None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            return
        left_s = self._due - time.monotonic()
        if left_s <= 0:
            raise CodeLimitError(_message(self._seconds, frame))
        signal.setitimer(signal.ITIMER_REAL, left_s, _AGAIN_S)

    def stop(self) -> None:
        self._due = None


_ALARM = _Alarm()


def _alarm(seconds: float) -> _Alarm | _PoliteAlarm:
    """Begin a block: by an alarm that stands, or by one that is set now."""
    left_s, again_s = signal.getitimer(signal.ITIMER_REAL)
    if again_s == _AGAIN_S and 0 < left_s <= seconds:
        _ALARM.begin(seconds)
        return _ALARM
    handler = signal.getsignal(signal.SIGALRM)
    if handler is signal.SIG_DFL and left_s == 0:
        signal.signal(signal.SIGALRM, _ALARM.handler)
    elif handler is not _ALARM.handler:
        return _PoliteAlarm(seconds)
    _ALARM.begin(seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_S)
    return _ALARM


class _PoliteAlarm:
    """The same beside alarms of others, such as pytest-timeout's.

    Theirs is set again afterwards; one that comes sooner is left alone.
    """

    __slots__ = ("_other", "_seconds", "_started", "_usual", "is_set")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._other = signal.getitimer(signal.ITIMER_REAL)
        self.is_set = not 0 < self._other[0] < seconds
        if self.is_set:
            self._started = time.monotonic()
            self._usual = signal.signal(signal.SIGALRM, self._ring)
            signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_S)

    def _ring(self, _: int, frame: FrameType | None) -> None:
        if self.is_set:
            raise CodeLimitError(_message(self._seconds, frame))

    def stop(self) -> None:
        if not self.is_set:
            return
        self.is_set = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._usual)
        other_s, other_again_s = self._other
        if other_s:
            left_s = max(other_s - (time.monotonic() - self._started), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, left_s, other_again_s)


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
            CodeLimitError: It did not end in time.
        """
        mine, block = threading.get_ident(), _Watched(seconds)
        with self._lock:
            self._watched[mine] = block
            self._start()
        try:
            yield
        except CodeLimitError:
            raise CodeLimitError(block.message) from None
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
        _put_before(thread, CodeLimitError)


def _put_before(thread: int, error: type[BaseException] | None) -> None:
    """Have a thread raise at its next step; None takes that back."""
    told = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), told)


_WATCHDOG = _Watchdog()
