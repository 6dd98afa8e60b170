"""Ask and score V* Bench, whose questions have their options in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_LABEL = re.compile(r"\(([A-Z])\)\s*")
# What follows the options in the data set's own words.
_INSTRUCTION = re.compile(r"\s*Answer with the option's letter.*", re.DOTALL)


def text(doc: Mapping[str, Any]) -> str:
    """Write the question with an option on each line.

    Raises:
        ValueError: The question has no options.
    """
    question = _LABEL.split(doc["text"], maxsplit=1)[0].strip()
    listed = zip(letters(doc), options(doc), strict=True)
    lines = [f"{letter}. {option}" for letter, option in listed]
    instruction = "Answer with the option's letter from the given choices directly."
    return "\n".join((question, *lines, instruction))


def options(doc: Mapping[str, Any]) -> list[str]:
    """Read the texts of the options.

    Raises:
        ValueError: The question has no options, or their letters are not in order.
    """
    parts = _LABEL.split(_INSTRUCTION.sub("", doc["text"]))
    found, texts = parts[1::2], parts[2::2]
    if not found or found != [chr(ord("A") + place) for place in range(len(found))]:
        raise ValueError(f"no options (A), (B) and so on in {doc['text']!r}")
    return [each.strip() for each in texts]


def letters(doc: Mapping[str, Any]) -> list[str]:
    """Name the options.

    Raises:
        ValueError: As ``options``.
    """
    return [chr(ord("A") + place) for place in range(len(options(doc)))]


def direct_attributes(dataset: Any) -> Any:
    """Keep the questions about attributes of an object."""
    return _of_category(dataset, "direct_attributes")


def relative_position(dataset: Any) -> Any:
    """Keep the questions about the position of two objects."""
    return _of_category(dataset, "relative_position")


def process_results(
    doc: Mapping[str, Any], results: Sequence[str | None]
) -> dict[str, float]:
    """Compare the letter that was found with the right one.

    Args:
        doc: A row of the data set.
        results: The letter, as a list of one; None where none was found.

    Returns:
        1 or 0 under ``accuracy``, and once more under the document's category.
    """
    score = float(results[0] == doc["label"].strip().upper())
    return {"accuracy": score, doc["category"]: score}


def _of_category(dataset: Any, name: str) -> Any:
    categories = dataset["category"]
    return dataset.select(
        [place for place, own in enumerate(categories) if own == name]
    )
