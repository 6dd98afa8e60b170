"""The mean, and how far it would move on other documents of the same kind.

Sums run in the order of the values and without compensation. That is less exact than
``math.fsum``, and on purpose: a published figure of lm-evaluation-harness is matched
to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_evalkit.stats.student import t_quantile

# The 97.5 % point of the standard normal distribution.
_Z95 = 1.959963984540054


def mean(values: Sequence[float]) -> float:
    """Average.

    Raises:
        ZeroDivisionError: There is no value.

    >>> mean([1.0, 0.0, 1.0, 1.0])
    0.75
    """
    return sum(values) / len(values)


def sample_deviation(values: Sequence[float]) -> float | None:
    """Standard deviation with Bessel's correction; None of fewer than two values.

    The root of the sum of squared deviations over n - 1.

    >>> sample_deviation([2.0, 4.0])
    1.4142135623730951
    >>> sample_deviation([2.0]) is None
    True
    """
    if len(values) < 2:  # noqa: PLR2004 - one value does not vary
        return None
    centre = mean(values)
    squares = sum([(value - centre) ** 2 for value in values])
    return math.sqrt(squares / (len(values) - 1))


def standard_error(values: Sequence[float]) -> float | None:
    """Standard error of the mean; None of fewer than two values.

    The sample standard deviation over the root of n (Miller 2024, "Adding error bars
    to evals", section 2): documents are independent draws from a larger population.

    >>> standard_error([2.0, 4.0])
    1.0
    """
    deviation = sample_deviation(values)
    return None if deviation is None else deviation / math.sqrt(len(values))


def interval95(value: float, stderr: float) -> tuple[float, float]:
    """Normal 95 % confidence interval around an estimate.

    It follows from the central limit theorem, so it is rough below some thirty
    documents, and may reach beyond the metric's own range.

    Args:
        value: The estimate.
        stderr: Its standard error, at least 0.

    >>> interval95(0.5, 0.0)
    (0.5, 0.5)
    """
    return value - _Z95 * stderr, value + _Z95 * stderr


def t_interval(
    value: float, stderr: float, freedom: float, *, level: float = 0.95
) -> tuple[float, float]:
    """Confidence interval around an estimate whose error is itself estimated.

    Student 1908: as wide as it has to be where the values are normal, and nearly so of
    a mean of thirty documents or more. It may reach beyond the metric's own range.

    Args:
        value: The estimate.
        stderr: Its standard error, at least 0.
        freedom: Degrees of freedom of the error, above 0; of a mean n - 1.
        level: The coverage, between 0 and 1.

    >>> [round(end, 4) for end in t_interval(0.5, 0.1, 9)]
    [0.2738, 0.7262]
    """
    half = t_quantile((1 + level) / 2, freedom) * stderr
    return value - half, value + half
