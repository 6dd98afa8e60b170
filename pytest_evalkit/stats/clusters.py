"""Documents that belong together: questions on one video, say."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from pytest_evalkit.stats.mean import mean, standard_error


def clustered_standard_error(
    values: Sequence[float], clusters: Sequence[Hashable]
) -> float | None:
    """Standard error of the mean where values of one cluster go together.

    Miller 2024, "Adding error bars to evals", equation 4: to the squared standard error
    of independent values comes the covariance within clusters.

    Args:
        values: One for each document.
        clusters: What each belongs to, in the same order.

    Returns:
        The standard error; None of fewer than two values. Where values of a cluster
        differ by more than chance would have it, it is less than that of independent
        values, and 0 at least.

    Raises:
        ValueError: There are not as many clusters as values.

    >>> clustered_standard_error([1.0, 1.0, 0.0, 0.0], ["a", "a", "b", "b"])
    0.38188130791298663
    """
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} values have {len(clusters)} clusters")
    independent = standard_error(values)
    if independent is None:
        return None
    centre = mean(values)
    sums: dict[Hashable, float] = {}
    squares = 0.0
    for value, cluster in zip(values, clusters, strict=True):
        deviation = value - centre
        sums[cluster] = sums.get(cluster, 0.0) + deviation
        squares += deviation**2
    covariance = (sum(total**2 for total in sums.values()) - squares) / len(values) ** 2
    return math.sqrt(max(0.0, independent**2 + covariance))
