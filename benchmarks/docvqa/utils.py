"""Tell which questions of a split without public answers were answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def answered(_doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """Say 1 where there is an answer to hand in, 0 where it is empty.

    Args:
        _doc: A row of the data set, which has no answers.
        results: The answer, as a list of one.
    """
    return {"answered": float(bool(results[0].strip()))}
