"""Documents that belong together: the two questions about one image, say.

``metadata.group_by`` says what they share. What selects documents by their number
keeps such a bundle whole.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from pytest_evalkit.tasks.documents import Documents
from pytest_evalkit.tasks.functions import guarded
from pytest_evalkit.tasks.recipe import Recipe
from pytest_evalkit.tasks.templates import (
    compile_template,
    missing_column,
    names_in_template,
)

BundleKey = Callable[[], Sequence[Hashable]]


def bundle_columns(value: Any) -> tuple[str, ...]:
    """List the columns that ``metadata.group_by`` names outright.

    Args:
        value: What the task says: a column, a list of columns, a template, a function,
            or None.
    """
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str) and "{" not in value else ()


def bind_bundles(recipe: Recipe, documents: Documents) -> BundleKey | None:
    """Bind what documents of one bundle share.

    Args:
        recipe: The task.
        documents: What it evaluates.

    Returns:
        What reads the key of every document, in order, where None stands for a document
        that belongs to no other; None where the task does not bundle documents.

    Raises:
        TaskError: A column does not exist, or a template is wrong.
    """
    value = recipe.group_by
    if value is None:
        return None
    place = recipe.source.place("metadata", "group_by")
    if callable(value):
        function = guarded(value, "metadata.group_by", place)
        return lambda: [_hashable(function(documents[i])) for i in _range(documents)]
    columns = bundle_columns(value)
    for name in columns:
        if name not in documents.columns:
            raise missing_column(name, documents.columns, place)
    if columns:
        return lambda: _of_columns(documents, columns)
    render = compile_template(value, documents.columns, place)
    names = [name for name in names_in_template(value) if name in documents.columns]
    return lambda: [render(row) for row in _rows(documents, names)]


def _range(documents: Documents) -> range:
    return range(len(documents))


def _rows(documents: Documents, names: Sequence[str]) -> list[dict[str, Any]]:
    """Read some columns of every row, so that no image is touched on the way."""
    if not names:
        return [{} for _ in _range(documents)]
    columns = [documents.column(name) for name in names]
    return [
        dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)
    ]


def _of_columns(documents: Documents, names: Sequence[str]) -> list[Hashable]:
    rows = _rows(documents, names)
    if len(names) == 1:
        return [_hashable(row[names[0]]) for row in rows]
    keys = (tuple(_hashable(row[name]) for name in names) for row in rows)
    return [None if None in key else key for key in keys]


def _hashable(value: Any) -> Hashable:
    if isinstance(value, list | tuple):
        return tuple(_hashable(item) for item in value)
    return (
        value if value is None or isinstance(value, str | int | float) else str(value)
    )
