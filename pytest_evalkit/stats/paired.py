"""Two models on the same documents: tests of the difference between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from pytest_evalkit.stats.mean import mean, standard_error, t_interval
from pytest_evalkit.stats.student import normal_quantile, t_two_sided


class Difference(NamedTuple):
    """How much one figure is above another, and how sure that is.

    Attributes:
        value: The difference.
        stderr: Its standard error, at least 0; None where it is not known.
        interval: The interval of the difference; None where it is not known.
        p_value: How likely a difference as far from zero is where there is none, from
            0 to 1, two-sided; None where it is not known.
    """

    value: float
    stderr: float | None
    interval: tuple[float, float] | None
    p_value: float | None


def paired_t(differences: Sequence[float], *, level: float = 0.95) -> Difference:
    """Test whether differences are zero on average.

    Student's paired t test: as powerful as many more documents would be unpaired,
    since what makes a document hard is common to both (Miller 2024, section 4).

    Args:
        differences: One for each document; at least one.
        level: Coverage of the interval, between 0 and 1.

    Returns:
        The mean difference. Where all are equal there is no interval, and p is that of
        the sign test.

    Raises:
        ZeroDivisionError: There is no document.

    >>> paired_t([0.0, 0.0]).p_value
    1.0
    """
    value, stderr = mean(differences), standard_error(differences)
    if stderr is None:
        return Difference(value, None, None, 1.0 if value == 0 else None)
    if stderr == 0 and value != 0:
        return Difference(value, 0.0, None, mcnemar_exact(len(differences), 0))
    return t_difference(value, stderr, len(differences) - 1, level=level)


def t_difference(
    value: float, stderr: float, freedom: float, *, level: float = 0.95
) -> Difference:
    """Judge a difference by its standard error.

    Args:
        value: The difference.
        stderr: Its standard error, at least 0.
        freedom: Degrees of freedom of the error, above 0.
        level: Coverage of the interval, between 0 and 1.

    Returns:
        The difference; without an error there is no interval, and p is 1 where it is
        zero, else not known.
    """
    if stderr == 0:
        return Difference(value, 0.0, None, 1.0 if value == 0 else None)
    interval = t_interval(value, stderr, freedom, level=level)
    return Difference(value, stderr, interval, t_two_sided(value / stderr, freedom))


def mcnemar_exact(gained: int, lost: int) -> float:
    """Test whether documents go right as often as they go wrong.

    McNemar 1947, by the binomial distribution: where nothing differs, each document
    that changed did so either way with probability 1/2. It never errs more often than
    it says, and with few documents less.

    Args:
        gained: Documents that are right with the one and were wrong with the other.
        lost: Those the other way round.

    Returns:
        The two-sided p value; 1 where none changed.

    Raises:
        ValueError: One of them is below zero.

    >>> mcnemar_exact(1, 5)
    0.21875
    """
    return min(1.0, 2 * _tail(gained, lost))


def mcnemar_mid_p(gained: int, lost: int) -> float:
    """Test the same, counting half of what is as likely as what was seen.

    Fagerland, Lydersen and Laake 2013 recommend it: nearly as exact as the exact test,
    which errs less often than it says, and more powerful.

    Args:
        gained: As of ``mcnemar_exact``.
        lost: As of ``mcnemar_exact``.

    Returns:
        The two-sided p value; 1 where as many changed either way.

    Raises:
        ValueError: One of them is below zero.

    >>> mcnemar_mid_p(1, 5)
    0.125
    """
    if gained == lost:
        _tail(gained, lost)
        return 1.0
    return 2 * _tail(gained, lost) - _point(min(gained, lost), gained + lost)


def paired_proportions_interval(
    gained: int, lost: int, size: int, *, level: float = 0.95
) -> tuple[float, float]:
    """Interval of the difference of two proportions of the same documents.

    The adjusted Wald interval of Bonett and Price 2012: as if one more document had
    changed either way. It holds its level for few documents and few changes, where that
    of Student's t does not.

    Args:
        gained: Documents that are right with the second alone.
        lost: Those that are right with the first alone.
        size: All documents; at least one.
        level: The coverage, between 0 and 1.

    Raises:
        ValueError: There are fewer documents than changes, or none.

    >>> [round(end, 4) for end in paired_proportions_interval(0, 0, 98)]
    [-0.0277, 0.0277]
    """
    if size < max(1, gained + lost) or min(gained, lost) < 0:
        raise ValueError(f"{gained} gained and {lost} lost of {size} cannot be")
    up, down, count = (gained + 1) / (size + 2), (lost + 1) / (size + 2), size + 2
    half = normal_quantile((1 + level) / 2) * math.sqrt(
        (up + down - (up - down) ** 2) / count
    )
    return max(-1.0, up - down - half), min(1.0, up - down + half)


def _tail(gained: int, lost: int) -> float:
    """Tell how likely a fair coin shows the rarer side as rarely as it was seen."""
    if min(gained, lost) < 0:
        raise ValueError(f"{gained} gained and {lost} lost cannot be counts")
    # Whole numbers, since probabilities so small would be rounded away.
    count, ways, total = gained + lost, 1, 1
    for seen in range(min(gained, lost)):
        ways = ways * (count - seen) // (seen + 1)
        total += ways
    return float(total / 2**count)


def _point(seen: int, count: int) -> float:
    """Tell how likely a fair coin shows one side so often."""
    return float(math.comb(count, seen) / 2**count)
