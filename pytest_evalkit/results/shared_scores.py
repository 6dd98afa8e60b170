"""Scores that the processes of a run tell each other, to know when they suffice.

Each has a file of its own in the run's folder, to which it appends a line for each
document, and reads what is new in those of the others. Nobody waits for anybody.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from pytest_evalkit.codec import CodecError, decode, encode
from pytest_evalkit.errors import ResultsError

_PREFIX = "scores-"
_LOOK_EVERY_S = 0.05


class ToldScores(NamedTuple):
    """What one process tells of one document.

    Attributes:
        task: Its task.
        position: Its place in the drawn order of the task, from 0.
        scores: Its values; None where it has none.
    """

    task: str
    position: int
    scores: Sequence[float | None]


class SharedScores:
    """The scores of one process, and its view of those of the others.

    Args:
        folder: The folder of the run's journals; it need not be there yet.
        session: Number of the run's session: what an earlier one told does not count.
        share: Number of the process's share. One that replaces a dead process has its
            number, and goes on with its file.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        folder: Path,
        *,
        session: int,
        share: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._names = f"{_PREFIX}{session}-"
        self._own = folder / f"{self._names}{share}"
        self._clock = clock
        self._next_look = float("-inf")
        self._read: dict[Path, int] = {}
        self._file: int | None = None

    def tell(self, told: ToldScores) -> None:
        """Tell the others of a document.

        Raises:
            ResultsError: The file cannot be written.
        """
        line = encode(list(told)) + b"\n"
        try:
            if self._file is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
                self._file = os.open(self._own, flags, 0o644)
                # Ends the line that a killed process may have begun.
                line = b"\n" + line
            os.write(self._file, line)
        except OSError as error:
            raise ResultsError(
                f"cannot write {self._own}: {error.strerror}; free space or choose "
                "another folder with --output-path"
            ) from error

    def heard(self) -> Iterator[ToldScores]:
        """Tell what the others have told since the last time.

        Costs next to nothing: files are looked at every 50 ms at most.
        """
        now = self._clock()
        if now < self._next_look:
            return
        self._next_look = now + _LOOK_EVERY_S
        for path in sorted(self._folder.glob(f"{self._names}*")):
            if path != self._own:
                yield from self._new_lines(path)

    def _new_lines(self, path: Path) -> Iterator[ToldScores]:
        offset = self._read.get(path, 0)
        with path.open("rb") as file:
            file.seek(offset)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read[path] = offset + len(whole) + len(newline)
        for line in whole.splitlines():
            told = _told(line)
            if told is not None:
                yield told

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _told(line: bytes) -> ToldScores | None:
    """Read a line; None where a process was killed while it wrote: another tells it."""
    try:
        said = cast("list[Any]", decode(line))
        return ToldScores(*said)
    except (CodecError, TypeError):
        return None


def forget_scores(folder: Path) -> None:
    """Take away what processes told each other, when all of them have ended."""
    for told in folder.glob(f"{_PREFIX}*"):
        told.unlink(missing_ok=True)
