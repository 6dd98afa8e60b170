"""What a module of a task may change while it is imported, put back afterwards."""

from __future__ import annotations

import os
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from pytest_evalkit.compat.hub import hub_home_told

# The search path as it was before the first of nested imports.
_outer_path: ContextVar[list[str] | None] = ContextVar("outer_path", default=None)


@contextmanager
def undisturbed(*, is_foreign: bool) -> Iterator[None]:
    """Put back the folder, the search path and the random numbers that were there.

    What is printed goes to standard error. Of nested imports, the outermost counts.
    ``HF_HOME`` is set meanwhile.

    Args:
        is_foreign: True to say nothing of warnings, since whoever runs the task
            cannot mend what they are about.
    """
    if _outer_path.get() is not None:
        yield
        return
    token = _outer_path.set(list(sys.path))
    try:
        with (
            _place_kept(),
            _random_numbers_kept(),
            hub_home_told(),
            redirect_stdout(sys.stderr),
            warnings.catch_warnings(),
        ):
            if is_foreign:
                warnings.simplefilter("ignore")
            yield
    finally:
        _outer_path.reset(token)


def added_to_path() -> tuple[list[str], list[str]]:
    """List what imports under way have added to the search path.

    Returns:
        What stands before the folders that were there, and what stands behind them.
    """
    before = _outer_path.get()
    if before is None or sys.path == before:
        return [], []
    known = set(before)
    start = next((at for at, entry in enumerate(sys.path) if entry in known), 0)
    first = [os.path.abspath(entry) for entry in sys.path[:start]]  # noqa: PTH100 (links stay as they are)
    last = [
        os.path.abspath(entry)  # noqa: PTH100 (the same)
        for entry in sys.path[start:]
        if entry not in known
    ]
    return first, last


@contextmanager
def _place_kept() -> Iterator[None]:
    folder, path = Path.cwd(), list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = path
        os.chdir(folder)


@contextmanager
def _random_numbers_kept() -> Iterator[None]:
    state, numpy_state = random.getstate(), _numpy_state()
    try:
        yield
    finally:
        random.setstate(state)
        numpy = sys.modules.get("numpy")
        if numpy_state is not None:
            numpy.random.set_state(numpy_state)  # type: ignore[union-attr]
        elif numpy is not None:
            # It came with the module, which may have seeded it.
            numpy.random.seed()


def _numpy_state() -> Any:
    numpy = sys.modules.get("numpy")
    return None if numpy is None else numpy.random.get_state()
