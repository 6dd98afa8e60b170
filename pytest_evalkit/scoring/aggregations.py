"""Aggregations: the values of a task's documents, made one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.scoring.plan import Aggregation
from pytest_evalkit.stats import mean


def median(values: Sequence[Any]) -> Any:
    """Take the upper median: of an even number of values, the higher middle one.

    Raises:
        IndexError: There is no value.

    >>> median([3, 1, 2, 4])
    3
    """
    return sorted(values)[len(values) // 2]


def bypass(_values: Sequence[Any]) -> int:
    """Say 999, by which both systems mark a task that is not to be scored."""
    return 999


AGGREGATIONS: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "mean": mean,
    "median": median,
    "bypass": bypass,
}

# Names that task files of the two systems may use and that have no function here.
_UNSUPPORTED = (
    "acc_all",
    "bits_per_byte",
    "bleu",
    "brier_score",
    "chrf",
    "f1",
    "matthews_corrcoef",
    "nanmean",
    "perplexity",
    "ter",
    "weighted_perplexity",
)


def aggregation_of(value: Any, metric: str) -> tuple[str, Aggregation]:
    """Resolve the aggregation that a task names for a metric.

    Args:
        value: A name, or the function itself.
        metric: The metric it is for, to be named in messages.

    Returns:
        The aggregation's name and its function.

    Raises:
        OptionError: There is no such aggregation.
    """
    if callable(value):
        return getattr(value, "__name__", type(value).__name__), value
    if isinstance(value, str) and value in AGGREGATIONS:
        return value, AGGREGATIONS[value]
    if value in _UNSUPPORTED:
        raise OptionError(
            f"aggregation {value!r} of metric {metric!r} is not supported yet; "
            f"supported: {', '.join(sorted(AGGREGATIONS))}, or a !function"
        )
    raise OptionError(
        f"unknown aggregation {value!r} of metric {metric!r}; "
        f"{suggestion(str(value), AGGREGATIONS)}"
    )
