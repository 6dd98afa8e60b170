"""Ask and score MMAU: questions with options about sounds, music and speech.

Sakshi et al., "MMAU: A Massive Multi-Task Audio Understanding and Reasoning Benchmark",
2024, arXiv 2410.19168.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

_KINDS = ("sound", "music", "speech")


def options(doc: Mapping[str, Any]) -> list[str]:
    """Read the options of a question, which the data set has as JSON.

    Raises:
        ValueError: They are no list of texts.
    """
    found = json.loads(doc["choices"])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError(f"choices are no list of texts: {doc['choices']!r}")
    return found


def letters(doc: Mapping[str, Any]) -> list[str]:
    """Name the options of a question."""
    return list(ascii_uppercase[: len(options(doc))])


def text(doc: Mapping[str, Any]) -> str:
    """Write the question with its options."""
    lines = (
        doc["question"],
        *map(". ".join, zip(letters(doc), options(doc), strict=True)),
        "Answer with the option's letter from the given choices directly.",
    )
    return "\n".join(lines)


def target(doc: Mapping[str, Any]) -> str:
    """Name the option that is the expected answer.

    Raises:
        ValueError: None is, or several are.
    """
    gold = _plain(doc["answer"])
    right = [
        letter
        for letter, option in zip(letters(doc), options(doc), strict=True)
        if _plain(option) == gold
    ]
    if len(right) != 1:
        raise ValueError(
            f"the answer {doc['answer']!r} is {len(right)} of the options {options(doc)}"
        )
    return right[0]


def process_results(
    doc: Mapping[str, Any], results: Sequence[str | None]
) -> dict[str, float]:
    """Score one answer.

    Args:
        doc: A row of the data set.
        results: The letter that was found, as a list of one, or None.

    Returns:
        1 or 0 for all questions, and the same for those about this kind of sound.

    Raises:
        ValueError: The kind of sound is unknown, or the expected answer is no option.
    """
    kind = doc["task"]
    if kind not in _KINDS:
        raise ValueError(f"unknown task {kind!r}; valid: {', '.join(_KINDS)}")
    score = float(results[0] == target(doc))
    return {"accuracy": score, kind: score}


def _plain(answer: str) -> str:
    return answer.strip().lower()
