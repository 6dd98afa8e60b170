"""Bounds that hold at every moment, so that one may look after each document and stop.

An ordinary interval holds at one number of documents, chosen beforehand. Stopping as
soon as it looks good errs far more often than it says. These hold at all numbers at
once (Waudby-Smith and Ramdas 2023, "Estimating means of bounded random variables by
betting", J. R. Stat. Soc. B 86). They ask nothing of the scores but that they lie
between two numbers.

Documents come in random order. Where they are drawn from a benchmark of known size, the
bounds are for its mean, and close in as fewer documents are left. Everything takes
arrays as well as numbers: each place of an array is then a sequence of its own.
"""

from __future__ import annotations

import math
from typing import Any

# No bet risks more than this share of what could be lost; the authors take 1/2 or 3/4.
_MOST_RISKED = 0.75
_SMALL = 1e-12


class _Moments:
    """Mean and variance of what came before, drawn a little towards 1/2 and 1/4."""

    def __init__(self) -> None:
        self.count = 0
        self.total: Any = 0.0
        self._squares: Any = 0.0

    @property
    def mean(self) -> Any:
        return (0.5 + self.total) / (self.count + 1)

    @property
    def variance(self) -> Any:
        return (0.25 + self._squares) / (self.count + 1)

    def add(self, value: Any) -> None:
        self.count += 1
        self.total = self.total + value
        self._squares = self._squares + (value - self.mean) ** 2


class _Scale:
    """The range of the scores, and how many there are."""

    def __init__(self, low: float, high: float, population: int | None) -> None:
        if not low < high:
            raise ValueError(f"scores lie between two numbers, not {low} and {high}")
        if population is not None and population < 1:
            raise ValueError(f"a benchmark has documents, not {population}")
        self.low = low
        self.high = high
        self.population = population

    def unit(self, value: Any) -> Any:
        """Map a score to where it lies in the range, from 0 to 1."""
        import numpy as np

        unit = (np.asarray(value, dtype=float) - self.low) / (self.high - self.low)
        if not ((unit >= 0) & (unit <= 1)).all():
            raise ValueError(
                f"a score lies from {self.low:g} to {self.high:g}, not at {value}"
            )
        return unit

    def score(self, unit: Any) -> Any:
        """Map back."""
        return self.low + unit * (self.high - self.low)

    def left(self, count: int) -> int | None:
        """Count the documents that are left; None where there is no end of them.

        Raises:
            ValueError: None is left.
        """
        if self.population is None:
            return None
        if count >= self.population:
            raise ValueError(f"all {self.population} documents have been added")
        return self.population - count


class BettingSequence:
    """Tells of numbers whether the mean is above or below, by betting against each.

    Whoever bets on the next score being above a number, at fair odds were that number
    the mean, cannot expect to win. Capital that has grown by 1 / alpha therefore shows,
    with an error of at most alpha over the whole sequence (Ville 1939), that the mean
    is above. How much is bet is what would nearly have been best so far, the rule
    aGRAPA (appendix B.3 there).

    Args:
        candidates: The numbers, such as the bound of a gate; between ``low`` and
            ``high``.
        alpha: How often, at most, the mean is said to be above a number when it is not;
            and as often again for below.
        low: The least score there can be.
        high: The highest.
        population: Documents of the benchmark whose mean is meant; None for the mean of
            all that could be drawn.

    Raises:
        ValueError: alpha, the range or a candidate is out of range.
    """

    def __init__(
        self,
        candidates: Any,
        *,
        alpha: float = 0.05,
        low: float = 0.0,
        high: float = 1.0,
        population: int | None = None,
    ) -> None:
        if not 0 < alpha < 1:
            raise ValueError(f"alpha is between 0 and 1, not {alpha}")
        self._scale = _Scale(low, high, population)
        self._candidates = self._scale.unit(candidates)
        self._needed = math.log(1 / alpha)
        self._moments = _Moments()
        # Logarithms of capital, and whether it has ever been enough.
        self._up: Any = 0.0
        self._down: Any = 0.0
        self._above: Any = False
        self._below: Any = False

    @property
    def count(self) -> int:
        """How many scores have been added."""
        return self._moments.count

    @property
    def above(self) -> Any:
        """Of each candidate, whether the mean has been shown to be above it."""
        return self._above

    @property
    def below(self) -> Any:
        """Of each candidate, whether the mean has been shown to be below it."""
        return self._below

    def add(self, value: Any) -> None:
        """Take in the score of one document.

        Args:
            value: The score; or an array, whose shape is broadcast with that of the
                candidates.

        Raises:
            ValueError: It is out of range, or there are no documents left.
        """
        import numpy as np

        fair = self._fair()
        unit = self._scale.unit(value)
        moments = self._moments
        ahead = moments.mean - fair
        bet = ahead / (moments.variance + ahead**2)
        inside = np.clip(fair, _SMALL, 1 - _SMALL)
        on_up = np.clip(bet, 0, _MOST_RISKED / inside)
        on_down = np.clip(-bet, 0, _MOST_RISKED / (1 - inside))
        self._up = self._up + np.log1p(on_up * (unit - inside))
        self._down = self._down + np.log1p(-on_down * (unit - inside))
        moments.add(unit)
        certain_above, certain_below = self._certain()
        self._above = self._above | (self._up >= self._needed) | certain_above
        self._below = self._below | (self._down >= self._needed) | certain_below

    def interval(self) -> tuple[float, float]:
        """Tell between which candidates the mean is, of a single sequence.

        The hull of the candidates that have neither been shown to be too low nor too
        high, and one candidate more on each side, since the mean may lie between. With
        a fine grid of candidates it is a confidence sequence of level 1 - 2 alpha.

        Raises:
            ValueError: Every candidate has been refuted, so that the grid is too
                coarse.
        """
        import numpy as np

        candidates = np.sort(np.atleast_1d(self._candidates))
        order = np.argsort(np.atleast_1d(self._candidates))
        refuted = np.broadcast_to(self._above | self._below, candidates.shape)[order]
        (left,) = np.nonzero(~refuted)
        if not len(left):
            raise ValueError("every candidate is refuted; take more of them")
        first, last = int(left[0]), int(left[-1])
        low = candidates[first - 1] if first else 0.0
        high = candidates[last + 1] if last + 1 < len(candidates) else 1.0
        return float(self._scale.score(low)), float(self._scale.score(high))

    def _fair(self) -> Any:
        """Tell what the next score would be on average, were a candidate the mean."""
        left = self._scale.left(self.count)
        if left is None:
            return self._candidates
        population = left + self.count
        return (population * self._candidates - self._moments.total) / left

    def _certain(self) -> tuple[Any, Any]:
        """Tell what can no longer change, whatever the documents that are left are."""
        population = self._scale.population
        if population is None:
            return False, False
        total, whole = self._moments.total, population * self._candidates
        most = total + population - self.count
        return total > whole + _SMALL * population, most < whole - _SMALL * population


class EmpiricalBernsteinSequence:
    """An interval of the mean that holds at every moment, in closed form.

    The predictable plug-in empirical Bernstein confidence sequence (theorem 2 there;
    section 5 for documents drawn from a benchmark). It is wider than betting, and its
    cost does not depend on a grid. What an earlier interval excluded stays excluded.

    Args:
        alpha: How often, at most, the mean is ever outside, between 0 and 1.
        low: As of ``BettingSequence``.
        high: As of ``BettingSequence``.
        population: As of ``BettingSequence``.

    Raises:
        ValueError: One of them is out of range.
    """

    def __init__(
        self,
        *,
        alpha: float = 0.05,
        low: float = 0.0,
        high: float = 1.0,
        population: int | None = None,
    ) -> None:
        if not 0 < alpha < 1:
            raise ValueError(f"alpha is between 0 and 1, not {alpha}")
        self._scale = _Scale(low, high, population)
        self._needed = math.log(2 / alpha)
        self._moments = _Moments()
        self._weights: Any = 0.0
        self._weighted: Any = 0.0
        self._penalty: Any = 0.0
        self._low: Any = 0.0
        self._high: Any = 1.0

    @property
    def count(self) -> int:
        """How many scores have been added."""
        return self._moments.count

    @property
    def interval(self) -> tuple[Any, Any]:
        """The ends of the interval: numbers, or arrays where arrays were added."""
        return self._scale.score(self._low), self._scale.score(self._high)

    def add(self, value: Any) -> None:
        """Take in the score of one document.

        Args:
            value: The score; or an array of one score for each sequence.

        Raises:
            ValueError: It is out of range, or there are no documents left.
        """
        import numpy as np

        left = self._scale.left(self.count)
        unit = self._scale.unit(value)
        moments = self._moments
        time = moments.count + 1
        weight = np.sqrt(
            2 * self._needed / (moments.variance * time * math.log(1 + time))
        )
        weight = np.minimum(weight, _MOST_RISKED)
        # Of documents already seen, those that are left can no longer be.
        gone = 0.0 if left is None else 1.0 / left
        self._weights = self._weights + weight * (1 + moments.count * gone)
        self._weighted = self._weighted + weight * (unit + moments.total * gone)
        self._penalty = self._penalty + (unit - moments.mean) ** 2 * (
            -np.log1p(-weight) - weight
        )
        moments.add(unit)
        centre = self._weighted / self._weights
        half = (self._needed + self._penalty) / self._weights
        self._low = np.maximum(self._low, centre - half)
        self._high = np.minimum(self._high, centre + half)
