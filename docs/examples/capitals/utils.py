"""What capitals_mentioned.yaml calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """Score one answer: is the name in it, and how long is it?"""
    (answer,) = results
    is_mentioned = doc["capital"].casefold() in answer.casefold()
    return {"mentioned": float(is_mentioned), "longest": len(answer)}


def longest(lengths: Sequence[int]) -> int:
    """Aggregate over all documents: any values in, one number out."""
    return max(lengths)
