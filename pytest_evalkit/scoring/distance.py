"""How far two sequences are apart."""

from __future__ import annotations

from collections.abc import Sequence


def edits(one: Sequence[str], other: Sequence[str]) -> int:
    """Count what is to be inserted, deleted or replaced (Levenshtein 1966).

    Args:
        one: A text, for characters, or a list of words.
        other: The same.

    >>> edits("kitten", "sitting")
    3
    """
    row = list(range(len(one) + 1))
    for line, wanted in enumerate(other, start=1):
        diagonal, row[0] = row[0], line
        for column, mark in enumerate(one, start=1):
            replaced = diagonal + (mark != wanted)
            diagonal = row[column]
            row[column] = min(replaced, diagonal + 1, row[column - 1] + 1)
    return row[-1]
