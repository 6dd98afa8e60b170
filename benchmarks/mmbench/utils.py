"""Ask MMBench, whose questions have two to four options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_LETTERS = "ABCD"


def text(doc: Mapping[str, Any], lmms_eval_specific_kwargs: Mapping[str, str]) -> str:
    """Write the hint, the question, its options and the instruction.

    Args:
        doc: A row of the data set.
        lmms_eval_specific_kwargs: ``heading`` of the options, and ``instruction``.
    """
    hint = f"{doc['hint']} " if _is_there(doc["hint"]) else ""
    lines = [f"{letter}. {doc[letter]}" for letter in letters(doc)]
    heading = lmms_eval_specific_kwargs["heading"]
    asked = "\n".join((f"{hint}{doc['question']} {heading}", *lines))
    return f"{asked}\n\n{lmms_eval_specific_kwargs['instruction']}"


def letters(doc: Mapping[str, Any]) -> list[str]:
    """Name the options that the document has."""
    return [letter for letter in _LETTERS if _is_there(doc[letter])]


def answered(
    doc: Mapping[str, Any],  # noqa: ARG001 - the answers are not public
    results: Sequence[str | None],
) -> dict[str, float]:
    """Say whether an option was found in the answer: 1, else 0."""
    return {"answered": float(results[0] is not None)}


def _is_there(value: Any) -> bool:
    """Tell whether a cell holds something; some have the text of an empty one."""
    return bool(value) and str(value) != "nan"
