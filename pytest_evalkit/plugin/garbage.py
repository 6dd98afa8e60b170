"""Looking for garbage less often while documents are evaluated, and not among items.

Tens of thousands of items and their reports live as long as the session; going over them
in every full collection costs more than all the rest of reporting.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

# Objects made between two collections of the youngest. What a document needs while it is
# under way is no garbage yet.
_YOUNG_OBJECTS = 20_000
_USUAL: pytest.StashKey[tuple[int, int, int]] = pytest.StashKey()


def look_less_often(config: pytest.Config) -> None:
    """Look for garbage less often from now on, and not among what is there already.

    To be called as often as one likes: what comes later is looked at, as thousands of
    task files leave some behind.

    Args:
        config: pytest's configuration.
    """
    if _USUAL in config.stash:
        return
    config.stash[_USUAL] = usual = gc.get_threshold()
    gc.set_threshold(_YOUNG_OBJECTS, *usual[1:])
    gc.freeze()


def pass_over() -> None:
    """Look for garbage no more among what is there now, as it will stay."""
    gc.freeze()


def look_as_usual(config: pytest.Config) -> None:
    """Look for garbage as it was before, and everywhere."""
    usual = config.stash.get(_USUAL, None)
    if usual is not None:
        del config.stash[_USUAL]
        gc.set_threshold(*usual)
        gc.unfreeze()


@contextmanager
def few_collections(config: pytest.Config, *, keeps: bool) -> Iterator[None]:
    """Look for garbage less often while documents are run, and not among the items.

    Args:
        config: pytest's configuration.
        keeps: Whether to go on so until the session is over, as pytest then looks
            through all that is there twice more. Not where there are tests of others:
            what they leave behind is for pytest to find.
    """
    look_less_often(config)
    pass_over()
    try:
        yield
    finally:
        if keeps:
            pass_over()
        else:
            look_as_usual(config)


def give_back_at_end(config: pytest.Config) -> None:
    """Have garbage looked for as usual again when all else of a session is over.

    To be called before pytest begins to look itself: what is asked for first is done
    last.
    """
    config.add_cleanup(partial(look_as_usual, config))
