"""Looking for garbage less often while documents are evaluated, and not among items.

Tens of thousands of items and their reports live as long as the session; going over them
in every full collection costs more than all the rest of reporting.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

# Objects made between two collections of the youngest. What a document needs while it is
# under way is no garbage yet.
_YOUNG_OBJECTS = 20_000
_IS_KEPT: pytest.StashKey[bool] = pytest.StashKey()


@contextmanager
def few_collections(config: pytest.Config, *, keeps: bool) -> Iterator[None]:
    """Look for garbage less often, and not among what is there already.

    Args:
        config: pytest's configuration.
        keeps: Whether to leave out, until the session is over, also what is there
            afterwards, through all of which pytest looks twice more. Not where there
            are tests of others: what they leave behind is for pytest to find.
    """
    gc.freeze()
    usual = gc.get_threshold()
    gc.set_threshold(_YOUNG_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        if keeps:
            gc.freeze()
            config.stash[_IS_KEPT] = True
        else:
            gc.unfreeze()


def give_back_at_end(config: pytest.Config) -> None:
    """Have garbage looked for everywhere again when all else of a session is over.

    To be called before pytest begins to look itself: what is asked for first is done
    last.
    """

    def give_back() -> None:
        if config.stash.get(_IS_KEPT, False):
            gc.unfreeze()

    config.add_cleanup(give_back)
