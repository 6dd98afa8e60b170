"""Student's t distribution and the normal one, without a package that has them."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_NORMAL = NormalDist()
# Where the continued fraction has settled; it needs some dozens of steps.
_ENOUGH = 1e-15
_MOST_STEPS = 10_000
_TINY = 1e-300
# So many halvings leave nothing of a double's digits.
_HALVINGS = 200


def normal_quantile(probability: float) -> float:
    """Find the point below which a standard normal value stays with a probability.

    Args:
        probability: Between 0 and 1, both excluded.

    Raises:
        statistics.StatisticsError: The probability is out of range.

    >>> round(normal_quantile(0.975), 6)
    1.959964
    """
    return _NORMAL.inv_cdf(probability)


def normal_probability(value: float) -> float:
    """Tell how likely a standard normal value is to stay below another.

    >>> normal_probability(0.0)
    0.5
    """
    return _NORMAL.cdf(value)


def t_two_sided(value: float, freedom: float) -> float:
    """Tell how likely a t value is to be at least as far from zero as another.

    By the regularised incomplete beta function, I_x(df / 2, 1 / 2) at
    x = df / (df + t^2) (Abramowitz and Stegun 1964, 26.7.1).

    Args:
        value: The t value.
        freedom: Degrees of freedom, above 0; not necessarily whole.

    Raises:
        ValueError: There are no degrees of freedom.

    >>> round(t_two_sided(2.0, 10), 6)
    0.073388
    """
    if not freedom > 0:
        raise ValueError(f"degrees of freedom are above 0, not {freedom}")
    if math.isinf(value):
        return 0.0
    square = value * value
    return _incomplete_beta(
        freedom / 2, 0.5, freedom / (freedom + square), square / (freedom + square)
    )


@lru_cache(maxsize=4096)
def t_quantile(probability: float, freedom: float) -> float:
    """Find the point below which a t value stays with a probability.

    Args:
        probability: Between 0 and 1, both excluded.
        freedom: Degrees of freedom, above 0; not necessarily whole.

    Raises:
        ValueError: One of the two is out of range.

    >>> round(t_quantile(0.975, 10), 6)
    2.228139
    """
    if not 0 < probability < 1:
        raise ValueError(f"a probability is between 0 and 1, not {probability}")
    if probability < 0.5:  # noqa: PLR2004 - the median is at zero
        return -t_quantile(1 - probability, freedom)
    beyond = 2 * (1 - probability)
    low, high = 0.0, 1.0
    while t_two_sided(high, freedom) > beyond:
        low, high = high, 2 * high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if t_two_sided(middle, freedom) > beyond:
            low = middle
        else:
            high = middle
    return high


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """Evaluate I_x(a, b); ``rest`` is 1 - x, given apart so as to keep its digits."""
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    factor = math.exp(
        math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
        + a * math.log(x)
        + b * math.log(rest)
    )
    # The fraction converges fast on this side of the mean only.
    if x < (a + 1) / (a + b + 2):
        return factor * _fraction(a, b, x) / a
    return 1 - factor * _fraction(b, a, rest) / b


def _fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction of the incomplete beta function.

    DLMF 8.17.22 (https://dlmf.nist.gov/8.17), by the modified method of Lentz.
    """
    c = 1.0
    d = 1 / _not_zero(1 - (a + b) * x / (a + 1))
    total = d
    for m in range(1, _MOST_STEPS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            total *= c * d
        if abs(c * d - 1) < _ENOUGH:
            break
    return total


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
