"""Find the picture of a document, and score an answer to it."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def image(doc: Mapping[str, Any]) -> list[str]:
    """Give the path of the picture, as a list of one.

    Raises:
        FileNotFoundError: Neither the benchmark nor its sample has the picture.
    """
    for folder in ("data", "sample"):
        path = _HERE / folder / doc["image"]
        if path.is_file():
            return [str(path)]
    raise FileNotFoundError(
        f"no picture {doc['image']!r} in data/ or sample/ of {_HERE}; "
        "python benchmarks/shapes/draw.py draws them all"
    )


def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """Compare the answer with the expected one, whatever case and punctuation.

    Args:
        doc: A row of the data set.
        results: The extracted answer, as a list of one.

    Returns:
        1 or 0 under ``exact_match`` and once more under the document's category.
    """
    score = float(_normalised(results[0]) == _normalised(doc["answer"]))
    return {"exact_match": score, doc["category"]: score}


def _normalised(answer: str) -> str:
    return answer.lower().translate(_WITHOUT_PUNCTUATION).strip()
