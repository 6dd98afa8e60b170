"""Where the libraries of the hub keep what they download."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_VARIABLE = "HF_HOME"


def hub_home() -> Path:
    """Find the folder of ``huggingface_hub``, by the rule that it documents.

    It is ``HF_HOME``; else ``huggingface`` in ``XDG_CACHE_HOME``; else that in
    ``~/.cache``.
    """
    own = os.environ.get(_VARIABLE)
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    path = Path(own) if own else Path(caches, "huggingface")
    return Path(os.path.expandvars(path.expanduser()))


@contextmanager
def hub_home_told() -> Iterator[None]:
    """Set ``HF_HOME`` to what holds anyway; take it out again afterwards.

    Many modules of tasks take it for granted.
    """
    if os.environ.get(_VARIABLE):
        yield
        return
    before = os.environ.get(_VARIABLE)
    told = os.environ[_VARIABLE] = str(hub_home())
    try:
        yield
    finally:
        # A module may have set its own.
        if os.environ.get(_VARIABLE) == told:
            if before is None:
                del os.environ[_VARIABLE]
            else:
                os.environ[_VARIABLE] = before
