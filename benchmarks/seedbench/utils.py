"""Score SEED-Bench: all questions, and those about images and about films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def process_results(
    doc: Mapping[str, Any], results: Sequence[str | None]
) -> dict[str, float]:
    """Compare the letter that was found with the right one.

    Args:
        doc: A row of the data set.
        results: The letter, as a list of one; None where none was found.

    Returns:
        1 or 0 under ``seed_all``, and under ``seed_image`` or ``seed_video``.
    """
    score = float(results[0] == doc["answer"].strip().upper())
    return {"seed_all": score, f"seed_{doc['data_type']}": score}
