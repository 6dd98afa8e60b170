"""Task files of lm-eval itself, over documents that are made up in their schemas."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from tests.parity.answers import Script
from tests.parity.real_choosing import CHOOSING
from tests.parity.real_generating import GENERATING
from tests.parity.real_task import Real

REAL: Mapping[str, Real] = {**GENERATING, **CHOOSING}


def rows(name: str, split: str) -> list[dict[str, Any]]:
    """Make the documents of a split of a task, numbered over all its splits."""
    task = REAL[name]
    start = 0
    for other, size in task.sizes.items():
        if other == split:
            break
        start += size
    draws = random.Random(f"{name} {split}")
    return [task.make(draws, start + at) for at in range(task.sizes[split])]


def script(name: str) -> Script | None:
    """Write the script of a task; None where it asks for likelihoods alone."""
    task = REAL[name]
    if task.right is None:
        return None
    docs = [doc for split in task.sizes for doc in rows(name, split)]
    return {
        "right": {_marker(task, doc): list(task.right(doc)) for doc in docs},
        "wrong": list(task.wrong),
    }


def _marker(task: Real, doc: Mapping[str, Any]) -> str:
    if callable(task.marker):
        return task.marker(doc)
    return str(doc[task.marker])
