"""Documents that belong together: questions on one video, say."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from pytest_evalkit.stats.mean import mean, standard_error


class ClusteredMean(NamedTuple):
    """A mean over documents that go together in clusters.

    Attributes:
        value: The mean.
        stderr: Its standard error.
        freedom: Degrees of freedom of the error, above 0; one less than there are
            clusters where all are of one size, fewer where they are not.
        clusters: How many clusters there are; two at least.
    """

    value: float
    stderr: float
    freedom: float
    clusters: int


def clustered_mean(
    values: Sequence[float], clusters: Sequence[Hashable]
) -> ClusteredMean | None:
    """Average values, with a standard error that few clusters do not spoil.

    The cluster-robust error CR2 (Bell and McCaffrey 2002), which is without bias where
    documents were independent: each cluster's sum of deviations is squared and divided
    by 1 - share, its share of all documents. With clusters of one size that is the
    usual correction by G / (G - 1), CR1. The degrees of freedom are Satterthwaite's, as
    Bell and McCaffrey have them (Imbens and Kolesár 2016, "Robust standard errors in
    small samples").

    Args:
        values: One for each document.
        clusters: What each belongs to, in the same order.

    Returns:
        None of fewer than two clusters.

    Raises:
        ValueError: There are not as many clusters as values.

    >>> clustered_mean([1.0, 1.0, 0.0, 0.0], ["a", "a", "b", "b"])
    ClusteredMean(value=0.5, stderr=0.5, freedom=1.0, clusters=2)
    """
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} values have {len(clusters)} clusters")
    count, sums, sizes = len(values), dict[Hashable, float](), dict[Hashable, int]()
    centre = mean(values) if values else 0.0
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster] = sums.get(cluster, 0.0) + value - centre
        sizes[cluster] = sizes.get(cluster, 0) + 1
    if len(sums) < len(("one", "another")):
        return None
    rests = {cluster: 1 - size / count for cluster, size in sizes.items()}
    squares = sum(sums[cluster] ** 2 / rests[cluster] for cluster in sums)
    return ClusteredMean(
        value=centre,
        stderr=math.sqrt(squares) / count,
        freedom=_freedom(list(sizes.values())),
        clusters=len(sums),
    )


def _freedom(sizes: Sequence[int]) -> float:
    """Match the first two moments of CR2 to those of a chi-square.

    Where documents are independent with equal variance, the corrected sums of clusters
    of m and l documents have variance m and covariance
    -(m l / n) / sqrt((1 - m / n) (1 - l / n)); the degrees of freedom are the squared
    trace of that matrix over the trace of its square.
    """
    count = sum(sizes)
    crossed = [size**2 / (1 - size / count) for size in sizes]
    covariances = sum(crossed) ** 2 - sum(term**2 for term in crossed)
    squares = sum(size**2 for size in sizes) + covariances / count**2
    return count**2 / squares


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
