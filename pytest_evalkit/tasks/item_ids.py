"""The name of each document: its own id where it has one, else its position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pytest_evalkit.naming import printable

ID_COLUMNS = ("id", "question_id", "qid", "uid", "task_id", "doc_id")


def is_naming(values: Sequence[Any]) -> bool:
    """Tell whether a column can name documents: whole numbers and non-empty texts."""
    return bool(values) and all(
        type(value) is int or (type(value) is str and value != "") for value in values
    )


def unique(values: Sequence[Any]) -> list[str]:
    """Write values as texts that occur once, and that a terminal can show.

    A value that occurs more than once gets ``-0``, ``-1`` and so on, in order of
    occurrence. Where that yields the name of another document, positions are used
    for all.
    """
    texts = [printable(str(value), keep="") for value in values]
    counts = Counter(texts)
    if len(counts) == len(texts):
        return texts
    seen: Counter[str] = Counter()
    for position, text in enumerate(texts):
        if counts[text] > 1:
            texts[position] = f"{text}-{seen[text]}"
            seen[text] += 1
    return texts if len(set(texts)) == len(texts) else positions(len(texts))


def positions(count: int) -> list[str]:
    """Name documents by their position, from zero."""
    return [str(position) for position in range(count)]
