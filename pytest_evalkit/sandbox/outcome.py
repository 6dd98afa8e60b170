"""What became of a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# ``completed``: it ran to its last line. ``raised``: an exception ended it, or it is no
# Python. ``exited``: it ended itself before its last line, whatever code it gave.
# ``memory``: it wanted more than it may have. ``timeout``, ``output``: it was ended since
# it took too long or said too much. ``killed``: a signal ended it.
Status = Literal[
    "completed", "raised", "exited", "memory", "timeout", "output", "killed"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a program.

    Attributes:
        status: How it ended.
        exit_code: What it ended with, from 0 to 255; None where a signal ended it.
        signal: The signal that ended it, or None. Programs that are stopped from outside
            end by SIGKILL.
        stdout: What it wrote, at most as much as it may; bytes that are no UTF-8 are
            replaced.
        stderr: The same of its errors.
        duration_s: Wall-clock seconds it took, starting the interpreter included.
        protections: Which of ``PROTECTIONS`` the kernel gave.
    """

    status: Status
    exit_code: int | None
    signal: int | None
    stdout: str
    stderr: str
    duration_s: float
    protections: frozenset[str]

    @property
    def is_completed(self) -> bool:
        """Whether it ran to its last line, so that every assertion in it held."""
        return self.status == "completed"
