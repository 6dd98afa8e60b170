"""The environment of processes that are measured."""

from __future__ import annotations

import os
from pathlib import Path


def environment(**more: str) -> dict[str, str]:
    """Have processes find this tree, wherever they run, and do the same each time.

    Args:
        more: Further variables.
    """
    paths = (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", ""))
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTEST_ADDOPTS": "",
        "PYTHONHASHSEED": "0",
        **more,
    }
