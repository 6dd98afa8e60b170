"""The standard error that fits an aggregation, as lm-evaluation-harness has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pytest_evalkit.scoring.aggregations import AGGREGATIONS
from pytest_evalkit.scoring.labels import questions
from pytest_evalkit.scoring.plan import Aggregation, MetricSpec
from pytest_evalkit.scoring.sums import SUM_FIGURES
from pytest_evalkit.scoring.translation import resampled
from pytest_evalkit.scoring.whole_groups import whole_groups
from pytest_evalkit.stats import bootstrap_error, standard_error, sums_of_draws

# Replicates; the error's own error is then some two per cent. lm-evaluation-harness
# draws 100,000, with which it is a quarter of one.
BOOTSTRAP_ITERATIONS = 1000
# Figures of whole corpora take long: a draw adds up the counts of every sentence.
MOST_OF_CORPUS = 100

# Given an array with one replicate's positions in each row, the statistic of each row.
Statistic = Callable[[Any], Any]


def standard_error_of(
    metric: MetricSpec,
    values: Sequence[Any],
    *,
    iterations: int = BOOTSTRAP_ITERATIONS,
    compat: str = "fixed",
) -> float | None:
    """Estimate the standard error of an aggregated metric.

    Of means there is a formula, whole groups among them; medians, nanmeans,
    perplexities, F1, Matthews' coefficient, error rates, figures of yes and no and those
    of translations are bootstrapped.

    Args:
        metric: The metric.
        values: Its values, in document order.
        iterations: Replicates of the bootstrap, at most 100 for translations; 0 for
            none. As in lm-evaluation-harness, 0 leaves the formulas out too.
        compat: ``strict`` tells the questions of ``acc_all`` by their number alone, not
            by their paragraph, as the reference does.

    Returns:
        The standard error; None of a single document, and where the aggregation is
        another.
    """
    if iterations < 1 or len(values) < len(("one", "another")):
        return None
    aggregation = metric.aggregation
    units = averaged(aggregation, values, is_strict=compat == "strict")
    if units is not None:
        return standard_error(units) if len(units) > 1 else None
    name = name_of(aggregation)
    if name in OF_CORPUS:
        statistic: Statistic = resampled(name, values)
        return bootstrap_error(statistic, len(values), min(iterations, MOST_OF_CORPUS))
    if name in BOOTSTRAPPED:
        return bootstrap_error(rows_statistic(name, values), len(values), iterations)
    return None


def rows_statistic(name: str, values: Sequence[Any]) -> Statistic:
    """Make a function that tells an aggregate of documents drawn anew.

    Args:
        name: One of ``SUM_FIGURES``, or ``median``.
        values: The values, in document order.
    """
    if name == "median":
        return _medians(values)
    columns, figure = SUM_FIGURES[name]
    sums = sums_of_draws(columns(values))
    return lambda rows: figure(sums(rows))


def averaged(
    aggregation: Aggregation, values: Sequence[Any], *, is_strict: bool
) -> Sequence[float] | None:
    """Give the numbers of which an aggregation is the mean; None where it is none.

    Args:
        aggregation: The aggregation.
        values: The values, in document order.
        is_strict: As the ``strict`` of ``standard_error_of``.
    """
    if aggregation is AGGREGATIONS["mean"]:
        return values
    if aggregation is AGGREGATIONS["acc_all"]:
        return questions(values, is_paragraph_told=not is_strict)
    if aggregation is AGGREGATIONS["all_right"]:
        return whole_groups(values)
    return None


def name_of(aggregation: Aggregation) -> str:
    """Name a built-in aggregation; empty where it is another function."""
    names = (name for name, known in AGGREGATIONS.items() if known is aggregation)
    return next(names, "")


def _medians(values: Sequence[Any]) -> Statistic:
    import numpy as np

    numbers = np.array(values, dtype=float)
    middle = len(values) // 2
    return lambda rows: np.partition(numbers[rows], middle, axis=1)[:, middle]


OF_CORPUS = frozenset({"bleu", "chrf", "chrf++", "ter"})

# Those that lm-evaluation-harness bootstraps, and this package's own figures.
_OF_SUMS = frozenset(SUM_FIGURES) - {"bits_per_byte", "weighted_perplexity"}

# Aggregations whose standard error is that of documents drawn anew.
BOOTSTRAPPED = OF_CORPUS | _OF_SUMS | {"median"}
