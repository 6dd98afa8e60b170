"""What the task files name by !function."""

from __future__ import annotations

from typing import Any

from lm_eval.utils import eval_logger

SEAS = ["Black Sea", "Caspian Sea", "Mediterranean", "North Sea"]

eval_logger.debug("%d seas", len(SEAS))


def seas(doc: dict[str, Any]) -> list[str]:
    """List the answers to choose from, the right one among them."""
    return sorted({*SEAS, doc["sea"]})


def position(doc: dict[str, Any]) -> int:
    """Find the right one."""
    return seas(doc).index(doc["sea"])
