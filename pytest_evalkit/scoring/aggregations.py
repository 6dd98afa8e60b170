"""Aggregations: the values of a task's documents, made one number."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.scoring.labels import (
    acc_all,
    brier_score,
    f1,
    matthews_corrcoef,
)
from pytest_evalkit.scoring.packages import require
from pytest_evalkit.scoring.plan import Aggregation
from pytest_evalkit.scoring.translation import bleu, chrf, chrf_plus_plus, ter
from pytest_evalkit.scoring.whole_groups import all_right
from pytest_evalkit.scoring.word_errors import error_rate
from pytest_evalkit.scoring.yes_no_figures import (
    yes_f1,
    yes_precision,
    yes_ratio,
    yes_recall,
)
from pytest_evalkit.stats import mean


def median(values: Sequence[Any]) -> Any:
    """Take the upper median: of an even number of values, the higher middle one.

    Raises:
        IndexError: There is no value.

    >>> median([3, 1, 2, 4])
    3
    """
    return sorted(values)[len(values) // 2]


def nanmean(values: Sequence[float | None]) -> float | None:
    """Average the values that are numbers; None where none is.

    >>> nanmean([1.0, None, 0.0])
    0.5
    """
    numbers = [value for value in values if value is not None and not math.isnan(value)]
    return mean(numbers) if numbers else None


def perplexity(values: Sequence[float]) -> float:
    """Raise e to the negative mean of log-likelihoods, one for each document.

    Raises:
        OverflowError: The text is so unlikely that the result has no number.
    """
    return math.exp(-mean(values))


def weighted_perplexity(items: Sequence[Sequence[float]]) -> float:
    """Raise e to the negative log-likelihood per word or byte of all documents.

    Args:
        items: Pairs of a document's log-likelihood and its words or bytes.

    Raises:
        OverflowError: The text is so unlikely that the result has no number.
    """
    return math.exp(-_per_unit(items))


def bits_per_byte(items: Sequence[Sequence[float]]) -> float:
    """Bits that the model needs for one byte of the documents.

    Args:
        items: Pairs of a document's log-likelihood, in nats, and its bytes.
    """
    return -_per_unit(items) / math.log(2)


def bypass(_values: Sequence[Any]) -> int:
    """Say 999, by which both systems mark a task that is not to be scored."""
    return 999


AGGREGATIONS: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "acc_all": acc_all,
    "all_right": all_right,
    "bits_per_byte": bits_per_byte,
    "bleu": bleu,
    "brier_score": brier_score,
    "bypass": bypass,
    "chrf": chrf,
    "chrf++": chrf_plus_plus,
    "error_rate": error_rate,
    "f1": f1,
    "matthews_corrcoef": matthews_corrcoef,
    "mean": mean,
    "median": median,
    "nanmean": nanmean,
    "perplexity": perplexity,
    "ter": ter,
    "weighted_perplexity": weighted_perplexity,
    "yes_f1": yes_f1,
    "yes_precision": yes_precision,
    "yes_ratio": yes_ratio,
    "yes_recall": yes_recall,
}

# Those whose values are numbers; the others take pairs.
OF_NUMBERS = frozenset({"mean", "median", "nanmean", "perplexity"})

# Where tasks import some from, to name them as functions.
_PUBLISHED = frozenset(
    {"lm_eval.api.metrics", "lmms_eval.api.metrics", "pytest_evalkit.compat.measures"}
)

# The package that some need, by the name it is imported by.
_PACKAGES = {
    "bleu": "sacrebleu",
    "chrf": "sacrebleu",
    "chrf++": "sacrebleu",
    "f1": "sklearn",
    "matthews_corrcoef": "sklearn",
    "ter": "sacrebleu",
}


def aggregation_of(value: Any, metric: str) -> tuple[str, Aggregation]:
    """Resolve the aggregation that a task names for a metric.

    Args:
        value: A name, or the function itself, which one of either published system is
            as good as its name. A function with a parameter ``args``, which lmms-eval
            gives its command line, gets one on which nothing is set: every attribute
            is None.
        metric: The metric it is for, to be named in messages.

    Returns:
        The aggregation's name and its function.

    Raises:
        OptionError: There is no such aggregation.
        MissingPackageError: It needs a package that is not installed.
    """
    if getattr(value, "__module__", None) in _PUBLISHED:
        value = value.__name__ if value.__name__ in AGGREGATIONS else value
    if callable(value):
        name = getattr(value, "__name__", type(value).__name__)
        return name, _with_arguments(value)
    if isinstance(value, str) and value in AGGREGATIONS:
        if value in _PACKAGES:
            require(_PACKAGES[value], f"aggregation {value!r} of metric {metric!r}")
        return value, AGGREGATIONS[value]
    raise OptionError(
        f"unknown aggregation {value!r} of metric {metric!r}; "
        f"{suggestion(str(value), AGGREGATIONS)}"
    )


class _NoArguments:
    """Stands in for a command line on which nothing is set."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


def _with_arguments(function: Callable[..., Any]) -> Aggregation:
    try:
        parameter = inspect.signature(function).parameters.get("args")
    except (TypeError, ValueError):
        # A function written in C may not tell its parameters.
        return function
    if parameter is None or parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return function
    return partial(function, args=_NoArguments())


def _per_unit(items: Sequence[Sequence[float]]) -> float:
    return sum(total for total, _ in items) / sum(units for _, units in items)
