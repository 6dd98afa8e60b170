"""Score CV-Bench, by the formula of its authors.

Tong et al., "Cambrian-1: A Fully Open, Vision-Centric Exploration of Multimodal LLMs",
2024, arXiv 2406.16860, and the data set's page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_DIMENSIONS = {"ADE20K": "2D", "COCO": "2D", "Omni3D": "3D"}


def process_results(
    doc: Mapping[str, Any], results: Sequence[str | None]
) -> dict[str, dict[str, Any]]:
    """Compare the letter that was found with the right one.

    Args:
        doc: A row of the data set.
        results: The letter, as a list of one; None where none was found.

    Returns:
        A score of 1 or 0, with the source of the image.

    Raises:
        ValueError: The source is unknown.
    """
    if doc["source"] not in _DIMENSIONS:
        raise ValueError(
            f"unknown CV-Bench source {doc['source']!r}; valid: {', '.join(_DIMENSIONS)}"
        )
    score = float(results[0] == doc["answer"].strip("() "))
    return {"cv_bench_acc": {"source": doc["source"], "score": score}}


def official_accuracy(entries: Iterable[Mapping[str, Any]]) -> float | None:
    """Average the accuracies of two and of three dimensions.

    That of two dimensions is the mean of the accuracies on ADE20K and on COCO, that of
    three the accuracy on Omni3D. What was not asked counts in no mean.

    Args:
        entries: What ``process_results`` gave.

    Returns:
        A share between 0 and 1; None of nothing.
    """
    scores: defaultdict[str, list[float]] = defaultdict(list)
    for entry in entries:
        scores[entry["source"]].append(entry["score"])
    sides: defaultdict[str, list[float]] = defaultdict(list)
    for source, own in scores.items():
        sides[_DIMENSIONS[source]].append(_mean(own))
    return _mean([_mean(side) for side in sides.values()]) if sides else None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
