"""Figures of documents that count together: circular copies, pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_evalkit.errors import ScoringError
from pytest_evalkit.stats import mean


def group_match(
    *,
    references: Sequence[Any],
    predictions: Sequence[Any],
    doc: Mapping[str, Any],
    group: str | Callable[[Mapping[str, Any]], Any],
    modulo: int | None = None,
    size: int | str | None = None,
) -> list[Any]:
    """Judge one of the documents that count together, for ``all_right``.

    Args:
        references: The right answers; one of them has to be met, whatever case.
        predictions: One answer; None where there is none, which is wrong.
        doc: The document.
        group: The column, or the function of the document, that tells which documents
            go together.
        modulo: Numbers that leave the same remainder go together; MMBench has the
            copies of a question 1,000,000 apart. None for equal ones.
        size: How many documents a group has, or the column that says it; groups that
            are not whole are left out. None to take groups as they come.

    Returns:
        The group, 1 or 0 for right or wrong, and the group's size or None.

    Raises:
        ScoringError: The document has no such column.
    """
    said = predictions[0]
    is_right = said is not None and any(
        str(said).strip().casefold() == str(right).strip().casefold()
        for right in references
    )
    key = group(doc) if callable(group) else _column(doc, group)
    if modulo is not None:
        key = int(key) % modulo
    count = _column(doc, size) if isinstance(size, str) else size
    return [str(key), float(is_right), None if count is None else int(count)]


def all_right(items: Sequence[Sequence[Any]]) -> float | None:
    """Share of groups of which every document is right, between 0 and 1.

    Args:
        items: Group, score and size of each document; a group of which fewer documents
            were scored than its size is left out.

    Returns:
        None where no group is whole.

    >>> all_right([["a", 1, 2], ["a", 1, 2], ["b", 1, 2], ["b", 0, 2], ["c", 1, 2]])
    0.5
    """
    scores = whole_groups(items)
    return mean(scores) if scores else None


def whole_groups(items: Sequence[Sequence[Any]]) -> list[float]:
    """Score each whole group: 1 where all of its documents are right, else 0."""
    scores: dict[str, list[float]] = {}
    sizes: dict[str, int | None] = {}
    for group, score, size in items:
        scores.setdefault(group, []).append(score)
        sizes[group] = size
    return [
        float(all(own))
        for group, own in scores.items()
        if len(own) >= (sizes[group] or 0)
    ]


def _column(doc: Mapping[str, Any], name: str) -> Any:
    if name not in doc:
        raise ScoringError(f"metric 'group_match' needs a column {name!r}")
    return doc[name]
