"""What tasks reported together make: one figure of several, and its error."""

from __future__ import annotations

import math
from collections.abc import Sequence


def weighted_mean(values: Sequence[float], sizes: Sequence[float]) -> float:
    """Average figures by the sizes of what they are of.

    Args:
        values: One figure for each task; at least one.
        sizes: The weight of each, such as its number of documents.

    Raises:
        ValueError: There are not as many sizes as values.
        ZeroDivisionError: The sizes add up to nothing.

    >>> weighted_mean([1.0, 0.0], [3, 1])
    0.75
    """
    products = [value * size for value, size in zip(values, sizes, strict=True)]
    return sum(products) / sum(sizes)


def pooled_standard_error(
    stderrs: Sequence[float], sizes: Sequence[int]
) -> float | None:
    """Standard error of the mean over the documents of several tasks.

    The variances of the tasks, pooled by their degrees of freedom, over the number of
    all documents. What the tasks differ by among themselves is not in it, as in
    lm-evaluation-harness.

    Args:
        stderrs: Standard error of the mean of each task.
        sizes: Documents of each.

    Returns:
        The standard error; None where no task has a second document.

    Raises:
        ValueError: There are not as many sizes as errors.

    >>> pooled_standard_error([0.1, 0.1], [10, 10])
    0.07071067811865477
    """
    squares = [
        (size - 1) * stderr**2 * size
        for stderr, size in zip(stderrs, sizes, strict=True)
    ]
    freedom = sum(sizes) - len(sizes)
    if freedom <= 0:
        return None
    return math.sqrt(sum(squares) / freedom / sum(sizes))


def unweighted_standard_error(stderrs: Sequence[float]) -> float:
    """Standard error of the plain mean of several independent figures.

    Args:
        stderrs: Standard error of each; at least one.

    Raises:
        ZeroDivisionError: There is none.

    >>> unweighted_standard_error([0.3, 0.4])
    0.25
    """
    return math.sqrt(sum(stderr**2 for stderr in stderrs)) / len(stderrs)
