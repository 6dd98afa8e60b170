"""A limit for the memory that the code of a task takes, where the kernel keeps one.

Linux counts what a process has written to itself, files that it maps apart. For the time
of a block the most that this may come to is set a little above what it is: who wants more
gets a MemoryError, and the process goes on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IS_KEPT = sys.platform == "linux"
"""Whether the memory of a block can be bounded here."""

_STATE = Path("/proc/self/statm")
# Of the numbers in it, pages of data and stack.
_DATA_FIELD = 5


@contextmanager
def within_memory(most_bytes: int) -> Iterator[None]:
    """Let this process take so much more memory, for the time of a block.

    All of its threads share it. A block within a block is bounded by the outer one.

    Args:
        most_bytes: Bytes, above zero.
    """
    import resource

    usual, hard = resource.getrlimit(resource.RLIMIT_DATA)
    pages = int(_STATE.read_bytes().split()[_DATA_FIELD])
    bound = pages * os.sysconf("SC_PAGE_SIZE") + most_bytes
    if usual != resource.RLIM_INFINITY:
        bound = min(bound, usual)
    resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (usual, hard))
