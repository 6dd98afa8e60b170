"""Score SEED-Bench-2-Plus: all questions, and those of each kind of image."""

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
        1 or 0 under the metric of all questions, and under that of the kind of image.
    """
    score = float(results[0] == doc["answer"].strip().upper())
    kind = doc["question_image_type"].capitalize()
    return {"seedbench_2_plus_all": score, f"seedbench_2_plus_{kind}": score}
