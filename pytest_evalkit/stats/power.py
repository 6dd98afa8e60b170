"""How many documents show a difference, and which difference a number of them shows.

Two models answer the same documents. The test is two-sided; the normal distribution
stands in for Student's, which makes no odds from some fifty documents on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pytest_evalkit.stats.student import normal_probability, normal_quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerDesign:
    """What a comparison of two models is to show, and how sure.

    The defaults are those that lmms-eval documents.

    Attributes:
        alpha: How often a difference may be seen where there is none, between 0 and 1.
        power: How often a difference that is there is to be seen, between 0 and 1.
        deviations: Standard deviation of one document's score with each model; 0.5 is
            that of right or wrong at one half, the most there can be from 0 to 1.
        correlation: Of the two scores of a document, from -1 to 1; 0 as well where the
            models answer different documents.

    Raises:
        ValueError: One of them is out of range.
    """

    alpha: float = 0.05
    power: float = 0.8
    deviations: tuple[float, float] = (0.5, 0.5)
    correlation: float = 0.5

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("alpha", "power"):
            share = getattr(self, name)
            if not 0 < share < 1:
                raise ValueError(f"{name} is between 0 and 1, not {share:g}")
        if not -1 <= self.correlation <= 1:
            raise ValueError(f"a correlation is from -1 to 1, not {self.correlation:g}")
        for deviation in self.deviations:
            if not (deviation >= 0 and math.isfinite(deviation)):
                raise ValueError(f"a deviation is 0 or above, not {deviation:g}")

    @property
    def deviation(self) -> float:
        """Standard deviation of the difference of a document's two scores."""
        one, other = self.deviations
        variance = one**2 + other**2 - 2 * self.correlation * one * other
        return math.sqrt(max(0.0, variance))


def documents_needed(effect: float, design: PowerDesign) -> int:
    """Count the documents that show a difference.

    ((z of 1 - alpha / 2 + z of the power) * deviation / effect)^2, rounded up (Miller
    2024, section 5; Cohen 1988, chapter 2).

    Args:
        effect: The difference, not 0.
        design: The comparison.

    Raises:
        ValueError: The effect is 0 or no number.

    >>> documents_needed(0.03, PowerDesign())
    2181
    """
    if not (effect and math.isfinite(effect)):
        raise ValueError(f"the effect is a number other than 0, not {effect:g}")
    return max(1, math.ceil((_quantiles(design) * design.deviation / effect) ** 2))


def smallest_difference(documents: int, design: PowerDesign) -> float:
    """Tell the least difference that a number of documents shows.

    Args:
        documents: How many; at least 1.
        design: The comparison.

    Raises:
        ValueError: There is no document.

    >>> round(smallest_difference(2181, PowerDesign()), 4)
    0.03
    """
    return _quantiles(design) * _error(documents, design)


def power_at(documents: int, effect: float, design: PowerDesign) -> float:
    """Tell how often a number of documents shows a difference.

    Both tails are counted; the one against the difference hardly matters.

    Args:
        documents: How many; at least 1.
        effect: The difference.
        design: The comparison; its own power does not matter.

    Raises:
        ValueError: There is no document.

    >>> round(power_at(2181, 0.03, PowerDesign()), 3)
    0.8
    """
    error = _error(documents, design)
    if error == 0:
        return 1.0 if effect else design.alpha
    bound = normal_quantile(1 - design.alpha / 2)
    moved = abs(effect) / error
    return normal_probability(moved - bound) + normal_probability(-moved - bound)


def _quantiles(design: PowerDesign) -> float:
    return normal_quantile(1 - design.alpha / 2) + normal_quantile(design.power)


def _error(documents: int, design: PowerDesign) -> float:
    if documents < 1:
        raise ValueError(f"a comparison needs documents, not {documents}")
    return design.deviation / math.sqrt(documents)
