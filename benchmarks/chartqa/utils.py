"""Score ChartQA: relaxed accuracy, of all questions and of each of its two splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_evalkit.scoring import relaxed_accuracy

_SPLITS = {
    "human_test": "relaxed_human_split",
    "augmented_test": "relaxed_augmented_split",
}


def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """Score one answer.

    Args:
        doc: A row of the data set.
        results: The answer, as a list of one.

    Returns:
        1 or 0 for all questions, and the same for the split of this one.

    Raises:
        ValueError: The split is unknown.
    """
    kind = doc["type"]
    if kind not in _SPLITS:
        raise ValueError(f"unknown type {kind!r}; valid: {', '.join(_SPLITS)}")
    score = relaxed_accuracy(references=[doc["answer"]], predictions=results)
    return {"relaxed_overall": score, _SPLITS[kind]: score}
