"""Clusters drawn more than once, told apart by other names.

A value often names what it belongs to, so that the aggregation can put pairs together.
Drawn twice, a pair would be four of one name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

# Fields of a value that are looked at; values of more are whole documents.
_MOST_FIELDS = 12

Field = str | int


class Copies:
    """The clusters of a metric's values, to be drawn any number of times.

    Args:
        clusters: The values of each.
        fields: Which fields name a cluster: keys of mappings, or places in lists.
    """

    def __init__(
        self, clusters: Sequence[Sequence[Any]], fields: Sequence[Field]
    ) -> None:
        self._copies = [[list(own)] for own in clusters]
        self._fields = fields

    def drawn(self, positions: Sequence[int]) -> list[Any]:
        """Put together the values of clusters, in order of their positions.

        Args:
            positions: Of the clusters drawn, in any order.
        """
        values: list[Any] = []
        before, times = -1, 0
        for position in sorted(positions):
            times = times + 1 if position == before else 0
            before = position
            values += (
                self._copy(position, times) if self._fields else self._own(position)
            )
        return values

    def _own(self, position: int) -> list[Any]:
        return self._copies[position][0]

    def _copy(self, position: int, times: int) -> list[Any]:
        copies = self._copies[position]
        while len(copies) <= times:
            copies.append(renamed(copies[0], self._fields, len(copies)))
        return copies[times]


def renamed(values: Sequence[Any], fields: Sequence[Field], tag: int) -> list[Any]:
    """Give a cluster another name: in each field, what is there and a tag."""
    return [_renamed(value, fields, tag) for value in values]


def opaque_labels(
    clusters: Sequence[Sequence[Any]],
    figure: Callable[[Sequence[Any]], float],
    value: float,
) -> list[Field]:
    """Find the fields that only name a cluster.

    A field does where it is the same in all of a cluster, and naming each cluster
    otherwise leaves the aggregate as it is. The name of a category does not, where the
    aggregation knows categories or puts them together.

    Args:
        clusters: The values of each.
        figure: The aggregation; it may raise anything.
        value: What it makes of the values.
    """
    fields = [field for field in _fields(clusters[0][0]) if _is_name(clusters, field)]
    return [field for field in fields if _is_opaque(clusters, field, figure, value)]


def labels_in(values: Sequence[Any]) -> Iterator[list[Any]]:
    """Tell by what names values may belong together, the finest first.

    Yields:
        The name in each value: of fields that some, but not all, values share.
    """
    columns = []
    for field in _fields(values[0]):
        column = [_label(value, field) for value in values]
        if None not in column and 1 < len(set(column)) < len(values):
            columns.append(column)
    yield from sorted(columns, key=lambda column: -len(set(column)))


def _fields(value: Any) -> list[Field]:
    if isinstance(value, Mapping):
        fields: list[Field] = [key for key in value if isinstance(key, str)]
    elif isinstance(value, list | tuple):
        fields = list(range(len(value)))
    else:
        return []
    return [
        field
        for field in (fields if len(fields) <= _MOST_FIELDS else [])
        if _label(value, field) is not None
    ]


def _label(value: Any, field: Field) -> str | int | None:
    """Read what may be a name: a text or a whole number; None where there is none."""
    try:
        label = value[field]
    except (KeyError, IndexError, TypeError):
        return None
    is_name = isinstance(label, str | int) and not isinstance(label, bool)
    return label if is_name else None


def _is_name(clusters: Sequence[Sequence[Any]], field: Field) -> bool:
    return all(
        (first := _label(own[0], field)) is not None
        and all(_label(value, field) == first for value in own)
        for own in clusters
    )


def _is_opaque(
    clusters: Sequence[Sequence[Any]],
    field: Field,
    figure: Callable[[Sequence[Any]], float],
    value: float,
) -> bool:
    other = [
        each for tag, own in enumerate(clusters) for each in renamed(own, [field], tag)
    ]
    try:
        # In another order, sums differ in their last digits.
        return math.isclose(figure(other), value, rel_tol=1e-9, abs_tol=1e-12)
    # The function may be the task's own and raise anything.
    except Exception:  # noqa: BLE001
        return False


def _renamed(value: Any, fields: Sequence[Field], tag: int) -> Any:
    if isinstance(value, Mapping):
        return {**value, **{field: f"{value[field]}#{tag}" for field in fields}}
    places = set(fields)
    changed = [f"{v}#{tag}" if place in places else v for place, v in enumerate(value)]
    return tuple(changed) if isinstance(value, tuple) else changed
