"""The moment from which all processes of a run count their load, told through a file.

A schedule that several processes share has one beginning. Each says when it is ready to
send; whoever sees that all are names a moment a little later, and whoever joins after
that, such as the replacement of a process that died, counts from the same.

Moments are of ``time.monotonic``, which the processes of one machine share: it counts
from the start of the machine on Linux (``CLOCK_MONOTONIC``), on macOS
(``mach_absolute_time``) and on Windows (the performance counter). Python promises it of
no system, so a moment that cannot be is not believed.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from pytest_evalkit.errors import ResultsError

_LOOK_EVERY_S = 0.01
# By so much it is named beforehand, so that everybody has seen it when it comes.
_LEAD_S = 0.05
PATIENCE_S = 60.0
"""Seconds that a process which is ready waits for the others."""


class SharedOrigin:
    """The beginning of a load, for everybody who knows the same file.

    Args:
        path: The file; its folder need not be there.
        number: Which of the processes this is, from zero.
        count: How many processes share the load.
        clock: Seconds that never go back, the same in all processes of this machine.
        patience_s: For how long the others are waited for.
    """

    def __init__(
        self,
        path: Path,
        number: int,
        count: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._path = path
        self._number = number
        self._count = count
        self._clock = clock
        self._patience_s = patience_s

    async def moment(self) -> float:
        """Say that this process is ready, and wait until the beginning is known.

        Returns:
            The beginning, by the clock: a little ahead, or past where others have begun.

        Raises:
            ResultsError: The file cannot be written.
        """
        excuse(self._path, self._number)
        end = self._clock() + self._patience_s
        while (told := self._look()) is None:
            if self._clock() >= end or self._are_all_ready():
                self._name(self._clock() + _LEAD_S)
            else:
                await asyncio.sleep(_LOOK_EVERY_S)
        return told

    def _are_all_ready(self) -> bool:
        return all(_mark(self._path, each).exists() for each in range(self._count))

    def _look(self) -> float | None:
        """Read the beginning; None where there is none yet.

        Raises:
            ResultsError: It lies ahead by more than anybody would name it beforehand.
        """
        try:
            told = float(self._path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ResultsError(f"cannot read {self._path}: {error}") from error
        if told > self._clock() + _LEAD_S + self._patience_s:
            raise ResultsError(
                f"{self._path} names a moment that is far ahead: the processes of this "
                "run have no clock in common, so that they cannot share a schedule; run "
                "without -n"
            )
        return told

    def _name(self, moment: float) -> None:
        """Name the beginning, unless another process has."""
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            draft.write_text(repr(moment), encoding="ascii")
            _link(draft, self._path)
        except OSError as error:
            raise ResultsError(f"cannot write {self._path}: {error}") from error
        finally:
            draft.unlink(missing_ok=True)


def _link(draft: Path, path: Path) -> None:
    """Give a file its name, unless another has it; it is whole from the start."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError:
        # Some file systems have no links, and nothing else that is whole and exclusive.
        if not path.exists():
            draft.replace(path)


def excuse(path: Path, number: int) -> None:
    """Have nobody wait for a process: it is ready, has nothing to send, or has ended.

    Args:
        path: The file of the beginning.
        number: Which of the processes it is.

    Raises:
        ResultsError: That cannot be written down.
    """
    mark = _mark(path, number)
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    except OSError as error:
        raise ResultsError(f"cannot write {mark}: {error}") from error


def _mark(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}-{number}")
