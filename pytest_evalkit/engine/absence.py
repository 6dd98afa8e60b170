"""An endpoint's absence, as the processes of a run tell each other through a file.

One of them waits for the endpoint and keeps the file; the others hold back while it is
there. Each time before it probes, the keeper says how long that may take at most. If
that passes and nothing new was said, the keeper has died, and another takes its place.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypedDict, cast

from pytest_evalkit.codec import CodecError, decode, encode

_LOOK_EVERY_S = 0.05
# Claimed, and nothing said yet.
_FIRST_HOLD_S = 60.0
_HOLD_S = 0.25


class AbsenceDict(TypedDict):
    """What the file says.

    Attributes:
        since: Seconds of the machine's monotonic clock when the endpoint was found gone.
        until: When the keeper has died unless it says more.
        is_final: Whether the endpoint is waited for no longer.
    """

    since: float
    until: float
    is_final: bool


class SharedAbsence:
    """An endpoint's absence, known to everybody who knows the same file.

    A file that cannot be written is none: then every process waits for itself.

    Args:
        path: The file; its folder need not be there.
        clock: Seconds that never go back, the same in all processes of this machine.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._answered = path.with_name(f"{path.name}-answered")
        self._clock = clock
        self._next_look = float("-inf")
        self._seen: AbsenceDict | None = None

    @property
    def is_on(self) -> bool:
        """Whether somebody waits for the endpoint, or has in vain; looked up now."""
        said = self.look()
        return said is not None and not self._is_stale(said)

    @property
    def was_there(self) -> bool:
        """Whether the endpoint has answered any process of the run."""
        return self._answered.exists()

    def note_answer(self) -> None:
        """Say that the endpoint has answered."""
        with suppress(OSError):
            self._answered.parent.mkdir(parents=True, exist_ok=True)
            self._answered.touch()

    def held_s(self) -> float:
        """Tell for how many seconds to send nothing before looking again; mostly zero.

        Costs next to nothing: the file is looked for every 50 ms at most.
        """
        now = self._clock()
        if now >= self._next_look:
            self._next_look = now + _LOOK_EVERY_S
            self._seen = self.look()
        seen = self._seen
        return 0.0 if seen is None or self._is_stale(seen) else _HOLD_S

    def look(self) -> AbsenceDict | None:
        """Read what is said now; None where the endpoint is there, as far as one knows."""
        try:
            return cast("AbsenceDict", decode(self._path.read_bytes()))
        except (OSError, CodecError):
            return None

    def claim(self) -> bool:
        """Take it on to wait for the endpoint; False where somebody else does."""
        now = self._clock()
        said: AbsenceDict = {
            "since": now,
            "until": now + _FIRST_HOLD_S,
            "is_final": False,
        }
        try:
            draft = self._draft(said)
            try:
                os.link(draft, self._path)
            finally:
                draft.unlink(missing_ok=True)
        except OSError:
            if self._path.exists():
                return self.take_over()
            return True
        return True

    def take_over(self) -> bool:
        """Go on in the place of a process that died; False where none did."""
        said = self.look()
        if said is None or not self._is_stale(said):
            return False
        self._write({**said, "until": self._clock() + _FIRST_HOLD_S})
        return True

    def hold(self, seconds: float) -> None:
        """Say that more will be said within so many seconds."""
        said = self.look()
        if said is not None:
            self._write({**said, "until": self._clock() + seconds})

    def give_up(self) -> None:
        """Say that the endpoint is waited for no longer."""
        said = self.look()
        if said is not None:
            self._write({**said, "is_final": True})

    def end(self) -> None:
        """Say that the endpoint is back."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _is_stale(self, said: AbsenceDict) -> bool:
        return not said["is_final"] and self._clock() > said["until"]

    def _draft(self, said: AbsenceDict) -> Path:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        draft.write_bytes(encode(said))
        return draft

    def _write(self, said: AbsenceDict) -> None:
        with suppress(OSError):
            self._draft(said).replace(self._path)
