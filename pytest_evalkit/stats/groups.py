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


def welch_freedom(stderrs: Sequence[float], freedoms: Sequence[float]) -> float | None:
    """Tell the degrees of freedom of a sum of independent estimates.

    Satterthwaite 1946 and Welch 1947: (sum of e^2)^2 / sum of (e^4 / freedom).

    Args:
        stderrs: Standard error of each, as it counts in the sum.
        freedoms: Degrees of freedom of each error.

    Returns:
        None where every error is 0.

    Raises:
        ValueError: There are not as many errors as degrees of freedom.

    >>> welch_freedom([0.1, 0.1], [9, 9])
    18.0
    """
    parts = [
        (stderr, freedom)
        for stderr, freedom in zip(stderrs, freedoms, strict=True)
        if stderr > 0 and freedom > 0
    ]
    if not parts:
        return None
    # Relative to the largest, lest fourth powers vanish.
    scale = max(stderr for stderr, _ in parts)
    squares = sum((stderr / scale) ** 2 for stderr, _ in parts)
    return squares**2 / sum(
        (stderr / scale) ** 4 / freedom for stderr, freedom in parts
    )
