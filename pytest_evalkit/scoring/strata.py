"""Aggregations that add up categories: documents are then drawn category by category.

A benchmark has its categories whatever its documents are. Drawn from all documents at
once, a small category would be missing from many draws, and the sum lower by all of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pytest_evalkit.scoring.copies import Copies, opaque_labels
from pytest_evalkit.stats import draws

# Tells an aggregate, or raises that it cannot be told.
Figure = Callable[[Sequence[Any]], float]
# The values of each cluster.
Clusters = Sequence[Sequence[Any]]

# Fields of a value that are taken for the name of a category. A sum over documents adds
# up any field, also such as number images, which are drawn as documents are.
_CATEGORY = re.compile(
    r"categor|subject|domain|topic|skill|ability|type", re.IGNORECASE
)
# Sums in another order differ by as little.
_SAME = 1e-9


def strata_of(figure: Figure, clusters: Clusters) -> list[Clusters] | None:
    """Part clusters by the category that the aggregation adds up.

    That it adds up is seen: what it makes of all documents is the sum of what it makes
    of each category, and so it is of every other cluster.

    Args:
        figure: The aggregation; it may raise of a part of the documents.
        clusters: The values of each cluster.

    Returns:
        The clusters of each category; None where no field tells such categories.
    """
    for field in _fields(clusters):
        strata = _parted(clusters, field)
        halves = _parted(clusters[::2], field)
        if len(strata) > 1 and _adds_up(figure, strata) and _adds_up(figure, halves):
            return strata
    return None


def drawn_by_strata(
    figures: Sequence[Figure], runs: Sequence[Sequence[Clusters]], iterations: int
) -> list[list[float]]:
    """Tell the sums over categories of clusters drawn anew within each.

    Of n clusters the variance is short of the truth by the share 1 / n, which counts
    where categories are small; so each category's distance from its own figure is
    lengthened to make up for that (Rao and Wu 1988).

    Args:
        figures: The aggregation, as it is called for each run.
        runs: Of each run, the clusters of each category; two clusters at least. Runs
            are drawn at the same positions.
        iterations: Draws.

    Returns:
        Of each run, the figure of each draw.
    """
    totals = []
    for figure, strata in zip(figures, runs, strict=True):
        columns = [
            _drawn(figure, own, iterations, stream) for stream, own in enumerate(strata)
        ]
        totals.append([sum(row) for row in zip(*columns, strict=True)])
    return totals


def _drawn(
    figure: Figure, clusters: Clusters, iterations: int, stream: int
) -> list[float]:
    value = figure(_flat(clusters))
    copies = Copies(clusters, opaque_labels(clusters, figure, value))
    size = len(clusters)
    longer = math.sqrt(size / (size - 1))
    return [
        value + longer * (figure(copies.drawn(row)) - value)
        for rows in draws(size, iterations, stream=stream)
        for row in rows.tolist()
    ]


def _fields(clusters: Clusters) -> Iterator[str]:
    """List fields that may name categories, those of the fewest categories first."""
    first = clusters[0][0]
    if not isinstance(first, Mapping):
        return
    counts = {
        field: len({value.get(field) for own in clusters for value in own})
        for field, told in first.items()
        if isinstance(field, str) and isinstance(told, str) and _CATEGORY.search(field)
        if _is_told(clusters, field)
    }
    yield from sorted(counts, key=counts.__getitem__)


def _is_told(clusters: Clusters, field: str) -> bool:
    """Tell whether every cluster is of one category."""
    for own in clusters:
        told = [v.get(field) if isinstance(v, Mapping) else None for v in own]
        if not isinstance(told[0], str) or any(one != told[0] for one in told):
            return False
    return True


def _parted(clusters: Clusters, field: str) -> list[Clusters]:
    strata: dict[str, list[Sequence[Any]]] = {}
    for own in clusters:
        strata.setdefault(own[0][field], []).append(own)
    return list(strata.values())


def _adds_up(figure: Figure, strata: Sequence[Clusters]) -> bool:
    parts = [figure(_flat(own)) for own in strata]
    whole = figure([value for own in strata for value in _flat(own)])
    # Where everything is 0, any function would do.
    return any(parts) and math.isclose(sum(parts), whole, rel_tol=_SAME, abs_tol=_SAME)


def _flat(clusters: Clusters) -> list[Any]:
    return [value for own in clusters for value in own]
