"""How sure an aggregated metric is: the standard error that fits its aggregation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_evalkit.scoring.aggregations import AGGREGATIONS
from pytest_evalkit.scoring.labels import questions
from pytest_evalkit.scoring.plan import Aggregation, MetricSpec
from pytest_evalkit.scoring.translation import resampled
from pytest_evalkit.scoring.whole_groups import whole_groups
from pytest_evalkit.scoring.yes_no_figures import yes_columns
from pytest_evalkit.stats import bootstrap_error, standard_error

# Replicates; the error's own error is then some two per cent. lm-evaluation-harness
# draws 100,000, with which it is a quarter of one.
BOOTSTRAP_ITERATIONS = 1000
# Figures of whole corpora take long: a draw adds up the counts of every sentence.
_MOST_OF_CORPUS = 100

# Given an array with one replicate's positions in each row, the statistic of each row.
_Statistic = Callable[[Any], Any]


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
    units = _averaged(aggregation, values, is_strict=compat == "strict")
    if units is not None:
        return standard_error(units) if len(units) > 1 else None
    name = _name_of(aggregation)
    if name in _OF_CORPUS:
        statistic: _Statistic = resampled(name, values)
        return bootstrap_error(statistic, len(values), min(iterations, _MOST_OF_CORPUS))
    if name in _STATISTICS:
        return bootstrap_error(_STATISTICS[name](values), len(values), iterations)
    return None


def _averaged(
    aggregation: Aggregation, values: Sequence[Any], *, is_strict: bool
) -> Sequence[float] | None:
    """Give the numbers of which an aggregation is the mean; None where it is none."""
    if aggregation is AGGREGATIONS["mean"]:
        return values
    if aggregation is AGGREGATIONS["acc_all"]:
        return questions(values, is_paragraph_told=not is_strict)
    if aggregation is AGGREGATIONS["all_right"]:
        return whole_groups(values)
    return None


def _name_of(aggregation: Aggregation) -> str:
    names = (name for name, known in AGGREGATIONS.items() if known is aggregation)
    return next(names, "")


def _medians(values: Sequence[Any]) -> _Statistic:
    import numpy as np

    numbers = np.array(values, dtype=float)
    middle = len(values) // 2
    return lambda rows: np.partition(numbers[rows], middle, axis=1)[:, middle]


def _nanmeans(values: Sequence[Any]) -> _Statistic:
    import numpy as np

    numbers = np.array([float("nan") if v is None else v for v in values], dtype=float)
    is_told = ~np.isnan(numbers)
    told = np.where(is_told, numbers, 0.0)

    def statistic(rows: Any) -> Any:
        with np.errstate(invalid="ignore"):
            return told[rows].sum(axis=1) / is_told[rows].sum(axis=1)

    return statistic


def _perplexities(values: Sequence[Any]) -> _Statistic:
    import numpy as np

    numbers = np.array(values, dtype=float)
    return lambda rows: np.exp(-numbers[rows].mean(axis=1))


def _f1s(values: Sequence[Any]) -> _Statistic:
    import numpy as np

    golds = np.array([gold == 1 for gold, _ in values])
    answers = np.array([answer == 1 for _, answer in values])
    both = golds & answers

    def statistic(rows: Any) -> Any:
        found = 2 * both[rows].sum(axis=1)
        said = golds[rows].sum(axis=1) + answers[rows].sum(axis=1)
        return found / np.maximum(said, 1)

    return statistic


def _error_rates(values: Sequence[Any]) -> _Statistic:
    import numpy as np

    wrong, words = np.array(values, dtype=float).T

    def statistic(rows: Any) -> Any:
        with np.errstate(invalid="ignore", divide="ignore"):
            return 100 * wrong[rows].sum(axis=1) / words[rows].sum(axis=1)

    return statistic


def _of_yes(figure: str) -> Callable[[Sequence[Any]], _Statistic]:
    """Tell how a figure of yes and no follows from counts of its draws."""

    def statistics(values: Sequence[Any]) -> _Statistic:
        import numpy as np

        right, said = np.array(yes_columns(values), dtype=float)
        both = right * said

        def statistic(rows: Any) -> Any:
            found, gold, all_said = (
                column[rows].sum(axis=1) for column in (both, right, said)
            )
            if figure == "yes_ratio":
                return all_said / rows.shape[1]
            if figure == "yes_f1":
                return 2 * found / np.maximum(gold + all_said, 1)
            return found / np.maximum(gold if figure == "yes_recall" else all_said, 1)

        return statistic

    return statistics


def _correlations(values: Sequence[Any]) -> _Statistic:
    import numpy as np

    labels = {label: i for i, label in enumerate(dict.fromkeys(_labels(values)))}
    golds = np.eye(len(labels))[[labels[gold] for gold, _ in values]]
    answers = np.eye(len(labels))[[labels[answer] for _, answer in values]]
    is_right = (golds * answers).sum(axis=1)

    def statistic(rows: Any) -> Any:
        # In the terms of Gorodkin 2004: covariances of the two sides' indicators.
        size = rows.shape[1]
        gold, answer = _totals(golds, rows), _totals(answers, rows)
        together = is_right[rows].sum(axis=1) * size - (gold * answer).sum(axis=1)
        of_gold = size**2 - (gold**2).sum(axis=1)
        of_answer = size**2 - (answer**2).sum(axis=1)
        product = of_gold * of_answer
        return np.where(product > 0, together / np.sqrt(np.maximum(product, 1)), 0.0)

    return statistic


def _totals(indicators: Any, rows: Any) -> Any:
    """Count each label in each row."""
    import numpy as np

    return np.stack([column[rows].sum(axis=1) for column in indicators.T], axis=1)


def _labels(values: Sequence[Any]) -> list[Any]:
    return [label for labels in values for label in labels]


_OF_CORPUS = frozenset({"bleu", "chrf", "chrf++", "ter"})

_STATISTICS: Mapping[str, Callable[[Sequence[Any]], _Statistic]] = {
    "error_rate": _error_rates,
    "f1": _f1s,
    "matthews_corrcoef": _correlations,
    "median": _medians,
    "nanmean": _nanmeans,
    "perplexity": _perplexities,
    **{
        name: _of_yes(name)
        for name in ("yes_f1", "yes_precision", "yes_ratio", "yes_recall")
    },
}

# Aggregations whose standard error is that of documents drawn anew.
BOOTSTRAPPED = _OF_CORPUS | frozenset(_STATISTICS)
