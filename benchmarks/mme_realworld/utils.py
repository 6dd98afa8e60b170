"""Ask and score MME-RealWorld: five options, of which the last says "not shown"."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

_COLUMN = "multi-choice options"


def image(doc: Mapping[str, Any]) -> list[bytes]:
    """Give the image, as a list of one.

    Raises:
        ValueError: The column ``bytes`` is not in base 64.
    """
    try:
        return [base64.b64decode(doc["bytes"], validate=True)]
    except binascii.Error as error:
        raise ValueError(
            f"column 'bytes' of {doc['index']!r} is not in base 64: {error}"
        ) from error


def text(doc: Mapping[str, Any], lmms_eval_specific_kwargs: Mapping[str, str]) -> str:
    """Write the question and its options in the words of a language.

    Args:
        doc: A row of the data set.
        lmms_eval_specific_kwargs: ``heading`` of the options, ``instruction``, and
            ``beginning`` of the answer.
    """
    words = lmms_eval_specific_kwargs
    first = f"{doc['question']} {words['heading']}"
    return "\n".join((first, *doc[_COLUMN], words["instruction"], words["beginning"]))


def letters(doc: Mapping[str, Any]) -> list[str]:
    """Name the options."""
    return list(ascii_uppercase[: len(doc[_COLUMN])])


def process_results(
    doc: Mapping[str, Any], results: Sequence[str | None]
) -> dict[str, float]:
    """Compare the letter that was found with the right one.

    Args:
        doc: A row of the data set.
        results: The letter, as a list of one; None where none was found.

    Returns:
        1 or 0 under ``mme_realworld_score``, and under the kind of the question.
    """
    score = float(results[0] == doc["answer"].strip().upper())
    is_perception = "perception" in doc["category"].lower()
    kind = "perception" if is_perception else "reasoning"
    return {"mme_realworld_score": score, kind: score}
