"""A run in which nothing ends any more: what is under way is told, once, and it goes on.

The main thread may be what stands still, so that a thread of its own looks. It cannot
where code in C holds Python up; nobody can.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pytest_evalkit.engine import Asking

_NAMED = 3
_LONGEST_LOOK_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """A document that has begun and not ended.

    Attributes:
        task: Name of its task.
        item_id: Its id there.
        doc_id: Its position in the split.
        started_at: When it began, in seconds of ``time.monotonic``.
    """

    task: str
    item_id: str
    doc_id: int
    started_at: float


class Standstill:
    """Finds out when nothing has ended for too long; once each time.

    Args:
        seconds: How long that is.
        now: When it begins to look, in seconds of a clock.
    """

    def __init__(self, seconds: float, now: float) -> None:
        self._seconds = seconds
        self._done = -1
        self._since = now
        self._is_told = False

    def look(self, done: int, under_way: int, now: float) -> bool:
        """Tell whether it is to be told now that nothing ends.

        Args:
            done: How many documents have ended.
            under_way: How many have begun and not ended.
            now: Seconds of the same clock.
        """
        if done != self._done or not under_way:
            self._done, self._since, self._is_told = done, now, False
            return False
        if self._is_told or now - self._since < self._seconds:
            return False
        self._is_told = True
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the watch looks at.

    Attributes:
        done: Tells how many documents have ended.
        under_way: Lists those that have not.
        asking: Lists the requests that have no answer yet.
        tell: Tells the user a line.
        path: The file for all of it.
    """

    done: Callable[[], int]
    under_way: Callable[[], Sequence[UnderWay]]
    asking: Callable[[], Sequence[Asking]]
    tell: Callable[[str], None]
    path: Path


class StallWatch:
    """Looks now and then whether documents still end.

    Args:
        seconds: After how long it tells that they do not.
        scene: What it looks at.
    """

    def __init__(self, seconds: float, scene: Scene) -> None:
        self._seconds = seconds
        self._scene = scene
        self._still = Standstill(seconds, time.monotonic())
        self._ending = threading.Event()
        self._main = threading.get_ident()
        self._thread = threading.Thread(
            target=self._watch, name="evalkit-stalls", daemon=True
        )

    def start(self) -> None:
        """Begin to look; to be called on the thread that evaluates."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; a second time does nothing."""
        self._ending.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ending.wait(min(_LONGEST_LOOK_S, self._seconds / 4)):
            now = time.monotonic()
            under_way = self._scene.under_way()
            if self._still.look(self._scene.done(), len(under_way), now):
                self._tell(under_way, now)

    def _tell(self, under_way: Sequence[UnderWay], now: float) -> None:
        asking = {
            (one.task, one.doc_id): one for one in self._scene.asking() if one.task
        }
        lines = [
            standing(one, asking.get((one.task, one.doc_id)), now) for one in under_way
        ]
        heading = f"nothing has ended for {self._seconds:g} s"
        frame = sys._current_frames().get(self._main)  # noqa: SLF001 - the only way
        stack = traceback.format_stack(frame) if frame is not None else []
        text = "\n".join(
            [
                f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {heading}; under way:",
                *(f"  {line}" for line in lines),
                "the thread that evaluates is at:",
                "".join(stack),
            ]
        )
        # A disk that is full is told by whoever records a document.
        with suppress(OSError), self._scene.path.open("a", encoding="utf-8") as file:
            file.write(text)
        more = len(lines) - _NAMED
        rest = f"; and {more} more" if more > 0 else ""
        self._scene.tell(
            f"{heading}; under way: {'; '.join(lines[:_NAMED])}{rest}. All of it is in "
            f"{self._scene.path}"
        )


def standing(one: UnderWay, asking: Asking | None, now: float) -> str:
    """Write what a document is at.

    Args:
        one: The document.
        asking: Its request that has no answer yet, or None where it has all answers,
            or has asked nothing yet.
        now: Seconds of ``time.monotonic``.
    """
    name = f"{one.task}[{one.item_id}]"
    age = f"for {now - one.started_at:.0f} s"
    if asking is None:
        return f"{name} {age}, in the task's own code or waiting for it"
    since = f"{now - asking.since:.0f} s"
    if asking.attempts_made == 0:
        return f"{name} {age}, waiting for its turn to be asked"
    return f"{name} {age}, {asking.state} {since} ago (attempt {asking.attempts_made})"
