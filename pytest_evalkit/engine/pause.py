"""A pause that all processes of a run keep, told through a small file.

An endpoint that asks one worker to wait means all of them. The file holds until when
nobody is to send, by the clock that the processes of one machine share. It is written
when an endpoint asks to wait, which is seldom, and looked at now and then by whoever is
about to send.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pytest_evalkit.errors import ResultsError

_LOOK_EVERY_S = 0.05


class _Mark(NamedTuple):
    """What tells one state of the file from another."""

    inode: int
    changed_ns: int


class SharedPause:
    """A pause of everybody who knows the same file.

    Args:
        path: The file. Neither it nor its folder need be there.
        longest_s: What says that it lasts longer is not believed: another machine's
            clock may stand anywhere.
        clock: Seconds that never go back, the same in all processes of this machine.
    """

    def __init__(
        self,
        path: Path,
        *,
        longest_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._longest_s = longest_s
        self._clock = clock
        self._until = -math.inf
        self._next_look = -math.inf
        self._seen: _Mark | None = None

    def left_s(self) -> float:
        """Tell for how many seconds nobody is to send; zero where anybody may.

        Costs next to nothing: the file is looked at every 50 ms at most.
        """
        now = self._clock()
        if now >= self._next_look:
            self._next_look = now + _LOOK_EVERY_S
            self._look()
        left_s = self._until - now
        return left_s if 0 < left_s <= self._longest_s else 0.0

    def announce(self, seconds: float) -> None:
        """Have everybody wait from now on; a longer wait that was asked for stays.

        Raises:
            ResultsError: The file cannot be written.
        """
        until = self._clock() + seconds
        self._look()
        if until <= self._until:
            return
        self._until = until
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(repr(until), encoding="ascii")
            draft.replace(self._path)
        except OSError as error:
            raise ResultsError(f"cannot write {self._path}: {error}") from error

    def _look(self) -> None:
        try:
            state = self._path.stat()
            mark = _Mark(state.st_ino, state.st_mtime_ns)
            if mark == self._seen:
                return
            told = float(self._path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            # It is there only once an endpoint asked to wait; and a run must not end
            # for a courtesy. What cannot be read is looked at again.
            return
        self._seen = mark
        self._until = max(self._until, told)
