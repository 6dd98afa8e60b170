"""Ask and score MMStar: multiple choice of six categories with three kinds each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def text(doc: Mapping[str, Any], lmms_eval_specific_kwargs: Mapping[str, str]) -> str:
    """Put the question, which has its options in it, in the words of a variant."""
    before = lmms_eval_specific_kwargs["pre_prompt"]
    after = lmms_eval_specific_kwargs["post_prompt"]
    return f"{before}{str(doc['question']).strip()}{after}"


def process_results(
    doc: Mapping[str, Any], results: Sequence[str | None]
) -> dict[str, dict[str, Any]]:
    """Compare the letter that was found with the right one.

    Args:
        doc: A row of the data set.
        results: The letter, as a list of one; None where none was found.

    Returns:
        A score of 1 or 0 with the document's kind, under its category and ``average``.
    """
    entry = {
        "l2_category": doc["l2_category"],
        "score": float(results[0] == doc["answer"].strip().upper()),
    }
    return {doc["category"]: entry, "average": entry}


def mean_of_kinds(entries: Iterable[Mapping[str, Any]]) -> float | None:
    """Average the scores of each kind, and then the kinds, each as much as another.

    Args:
        entries: What ``process_results`` gave.

    Returns:
        A share between 0 and 1; None of nothing.
    """
    scores: defaultdict[str, list[float]] = defaultdict(list)
    for entry in entries:
        scores[entry["l2_category"]].append(entry["score"])
    if not scores:
        return None
    return sum(sum(own) / len(own) for own in scores.values()) / len(scores)
