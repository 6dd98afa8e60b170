"""Built-in figures of documents, or clusters of them, drawn anew: many at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.scoring.spread import OF_CORPUS, rows_statistic
from pytest_evalkit.scoring.sums import SUM_FIGURES
from pytest_evalkit.scoring.translation import resampled
from pytest_evalkit.stats import sums_of_draws


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnFigure:
    """A figure that can be told of any draw.

    Attributes:
        size: How many clusters there are to draw from.
        of_rows: Given an array of their positions with one replicate in each row, tells
            the figure of each.
        without: The figure with each cluster left out in turn; empty where that is not
            told.
    """

    size: int
    of_rows: Callable[[Any], Sequence[float]]
    without: Sequence[float] = ()


def drawn_figure(
    name: str, values: Sequence[Any], clusters: Sequence[Hashable]
) -> DrawnFigure:
    """Make ready to draw documents for a figure.

    Args:
        name: One of ``SUM_FIGURES``, a figure of translations, or ``median``, whose
            documents stand alone.
        values: The values, in document order.
        clusters: What each document shares with others.
    """
    if name in SUM_FIGURES:
        return _of_sums(name, values, clusters)
    places: dict[Hashable, list[int]] = {}
    for place, key in enumerate(clusters):
        places.setdefault(key, []).append(place)
    own = list(places.values())
    statistic: Callable[[Any], Any] = (
        resampled(name, values) if name in OF_CORPUS else rows_statistic(name, values)
    )

    def of_clusters(rows: Any) -> Any:
        return statistic([[at for i in row for at in own[i]] for row in rows.tolist()])

    is_shared = len(own) < len(values)
    return DrawnFigure(size=len(own), of_rows=of_clusters if is_shared else statistic)


def _of_sums(
    name: str, values: Sequence[Any], clusters: Sequence[Hashable]
) -> DrawnFigure:
    import numpy as np

    columns, figure = SUM_FIGURES[name]
    numbers = _summed(np.asarray(columns(values), dtype=float), clusters)
    sums = sums_of_draws(numbers)
    without = figure(numbers.sum(axis=0) - numbers)
    return DrawnFigure(
        size=len(numbers),
        of_rows=lambda rows: figure(sums(rows)),
        without=without.tolist(),
    )


def _summed(numbers: Any, clusters: Sequence[Hashable]) -> Any:
    """Add up the rows of each cluster."""
    import numpy as np

    places = {key: place for place, key in enumerate(dict.fromkeys(clusters))}
    if len(places) == len(numbers):
        return numbers
    sums = np.zeros((len(places), numbers.shape[1]))
    np.add.at(sums, [places[key] for key in clusters], numbers)
    return sums
