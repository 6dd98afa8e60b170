"""Sums over categories, such as MME's: no draw lacks one of them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from random import Random
from statistics import mean, variance
from typing import Any

import pytest

from pytest_evalkit.scoring.intervals import spread_of
from pytest_evalkit.scoring.paired import paired_difference
from pytest_evalkit.scoring.plan import MetricSpec
from pytest_evalkit.stats import t_quantile


def added(values: Sequence[Any]) -> float:
    """Add up the means of the categories; pairs are worth their share and both."""
    pairs: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for value in values:
        pairs[value["category"], value["name"]].append(value["score"])
    scores: defaultdict[str, list[float]] = defaultdict(list)
    for (category, _), halves in pairs.items():
        assert len(halves) == 2
        scores[category].append(100 * mean(halves) + 100 * min(halves))
    return sum(map(mean, scores.values()))


def averaged(values: Sequence[Any]) -> float:
    return float(mean(value["score"] for value in values))


def spec(aggregation: Any) -> MetricSpec:
    return MetricSpec(
        name="total",
        function=None,
        aggregation=aggregation,
        aggregation_name="own",
        higher_is_better=True,
    )


def pairs(sizes: dict[str, int], share: float, seed: int = 1) -> list[dict[str, Any]]:
    chance = Random(seed)
    return [
        {
            "category": category,
            "name": f"{category}{number}",
            "score": float(chance.random() < share),
        }
        for category, size in sizes.items()
        for number in range(size)
        for _ in range(2)
    ]


def names(values: Sequence[dict[str, Any]]) -> list[str]:
    return [value["name"] for value in values]


def exact_error(values: Sequence[dict[str, Any]]) -> float:
    """The error of a sum of means: variances of the categories' means, added."""
    by_category: defaultdict[str, list[float]] = defaultdict(list)
    for first, second in zip(values[::2], values[1::2], strict=True):
        halves = [first["score"], second["score"]]
        by_category[first["category"]].append(100 * mean(halves) + 100 * min(halves))
    return math.sqrt(sum(variance(own) / len(own) for own in by_category.values()))


@pytest.mark.parametrize("sizes", [{"a": 40, "b": 60}, {"a": 3, "b": 4, "c": 2}])
def test_the_error_is_that_of_a_sum_of_means(sizes: dict[str, int]) -> None:
    values = pairs(sizes, 0.6)

    found = spread_of(spec(added), values, added(values), names(values))

    assert found.method == "stratified bootstrap percentile"
    assert found.clusters == sum(sizes.values())
    # A thousand draws know it to some two per cent.
    assert found.stderr == pytest.approx(exact_error(values), rel=0.08)


def test_a_perfect_score_has_no_error_whatever_is_drawn() -> None:
    values = pairs({"a": 2, "b": 2, "c": 2}, 1.0)

    found = spread_of(spec(added), values, 600.0, names(values))

    assert (added(values), found.stderr, found.ci95) == (600.0, 0.0, None)


def test_a_category_of_one_cluster_is_the_reason_for_no_interval() -> None:
    values = pairs({"a": 1, "b": 3}, 0.6)

    found = spread_of(spec(added), values, added(values), names(values))

    assert found.stderr is None
    assert found.method.startswith("none: a category of one cluster does not tell")


def test_a_mean_over_documents_is_drawn_from_all_of_them() -> None:
    values = pairs({"a": 10, "b": 20}, 0.6)

    found = spread_of(spec(averaged), values, averaged(values), names(values))

    assert found.method == "bootstrap bca"


def test_a_sum_over_documents_is_not_parted_by_their_own_names() -> None:
    def total(values: Sequence[Any]) -> float:
        return float(sum(value["score"] for value in values))

    values = [{"name": f"q{n}", "score": float(n % 3 > 0)} for n in range(30)]

    found = spread_of(spec(total), values, total(values), range(30))

    assert found.method == "bootstrap bca"


def test_two_runs_are_drawn_at_the_same_pairs_of_each_category() -> None:
    sizes = {"a": 30, "b": 30}
    first, second = pairs(sizes, 0.5), pairs(sizes, 0.9, seed=2)
    before, after = added(first), added(second)

    found = paired_difference(
        spec(added), (first, second), (before, after), names(first)
    )

    worth = _worth(second, first)
    exact = math.sqrt(sum(variance(own) / len(own) for own in worth.values()))
    assert found.method == "paired stratified bootstrap"
    assert found.difference.stderr == pytest.approx(exact, rel=0.08)
    low, high = found.difference.interval or (0.0, 0.0)
    half = t_quantile(0.975, 60 - 2) * (found.difference.stderr or 0.0)
    assert (low, high) == pytest.approx((after - before - half, after - before + half))


def test_equal_runs_do_not_differ() -> None:
    values = pairs({"a": 5, "b": 5}, 0.5)

    found = paired_difference(
        spec(added), (values, values), (added(values),) * 2, names(values)
    )

    assert (found.difference.value, found.difference.p_value) == (0.0, 1.0)


def _worth(
    second: Sequence[dict[str, Any]], first: Sequence[dict[str, Any]]
) -> dict[str, list[float]]:
    """What each pair of the second run is worth more, by category."""
    worth: defaultdict[str, list[float]] = defaultdict(list)
    for at in range(0, len(first), 2):
        ends = []
        for run in (second, first):
            halves = [run[at]["score"], run[at + 1]["score"]]
            ends.append(100 * mean(halves) + 100 * min(halves))
        worth[first[at]["category"]].append(ends[0] - ends[1])
    return worth
