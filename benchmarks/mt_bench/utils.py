"""MT-bench: the questions as conversations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# What the authors' own script asks with, by category.
_TEMPERATURES = {
    "writing": 0.7,
    "roleplay": 0.7,
    "extraction": 0.0,
    "math": 0.0,
    "coding": 0.0,
    "reasoning": 0.0,
    "stem": 0.1,
    "humanities": 0.1,
}


def process_docs(dataset: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Make a conversation of each question.

    Args:
        dataset: Rows with ``question_id``, ``category`` and ``turns``, what the user says
            one after the other; and ``reference``, how each may be answered, empty where
            nobody says.
    """
    return [_conversation(row) for row in dataset]


def _conversation(row: Mapping[str, Any]) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    reference = row.get("reference") or [""] * len(row["turns"])
    for text, answer in zip(row["turns"], reference, strict=True):
        messages.append({"role": "user", "content": text})
        if not answer:
            # Few turns have a reference. The model's own answer takes this place.
            messages.append(
                {"role": "assistant", "content": "...", "placeholder": True}
            )
        else:
            messages.append({"role": "assistant", "content": answer})
    return {
        "conversation_id": str(row["question_id"]),
        "category": row["category"],
        "temperature": _TEMPERATURES[row["category"]],
        "messages": messages,
    }
