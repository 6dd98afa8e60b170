from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any

import pytest

from pytest_evalkit.scoring import (
    MetricSpec,
    PairedDifference,
    paired_difference,
)
from pytest_evalkit.scoring.aggregations import AGGREGATIONS
from pytest_evalkit.stats import (
    clustered_mean,
    mcnemar_mid_p,
    paired_proportions_interval,
    paired_t,
    sample_deviation,
    t_difference,
)

FIRST = [float(i * 7 % 11 < 6) for i in range(66)]
SECOND = [float(i * 5 % 13 < 9) for i in range(66)]
GRADED = [[i * 7 % 11 / 10 for i in range(66)], [i * 5 % 13 / 12 for i in range(66)]]


def compared(
    aggregation: str | Callable[..., Any],
    first: Sequence[Any],
    second: Sequence[Any],
    clusters: Sequence[Hashable] | None = None,
) -> PairedDifference:
    function = (
        AGGREGATIONS[aggregation] if isinstance(aggregation, str) else aggregation
    )
    metric = MetricSpec(
        name="m",
        function=None,
        aggregation=function,
        aggregation_name="a",
        higher_is_better=True,
    )
    values = function(list(first)), function(list(second))
    shared = range(len(first)) if clusters is None else clusters
    return paired_difference(metric, (first, second), values, shared)


def test_right_and_wrong_are_tested_by_mcnemar() -> None:
    gained = sum(b > a for a, b in zip(FIRST, SECOND, strict=True))
    lost = sum(b < a for a, b in zip(FIRST, SECOND, strict=True))

    found = compared("mean", FIRST, SECOND)

    assert found.method == "mcnemar mid-p"
    assert found.difference.value == pytest.approx((gained - lost) / 66)
    assert found.difference.p_value == mcnemar_mid_p(gained, lost)
    assert found.difference.interval == paired_proportions_interval(gained, lost, 66)


def test_other_means_are_tested_by_t() -> None:
    found = compared("mean", *GRADED)

    each = [b - a for a, b in zip(*GRADED, strict=True)]
    assert found.method == "paired t"
    assert found.difference == paired_t(each)._replace(value=found.difference.value)
    assert found.difference.value == pytest.approx(sum(each) / 66)


def test_clusters_are_tested_by_their_sums() -> None:
    clusters = [i // 3 for i in range(66)]
    each = [b - a for a, b in zip(FIRST, SECOND, strict=True)]
    mean = clustered_mean(each, clusters)
    assert mean is not None

    found = compared("mean", FIRST, SECOND, clusters)

    assert found.method == "clustered t"
    assert found.clusters == 22
    assert found.difference == t_difference(
        found.difference.value, mean.stderr, mean.freedom
    )
    assert found.difference.value == pytest.approx(mean.value)


def test_groups_of_documents_are_tested_as_one_each() -> None:
    def grouped(scores: Sequence[float]) -> list[list[Any]]:
        return [[f"q{i // 2}", score, 2] for i, score in enumerate(scores)]

    found = compared("all_right", grouped(FIRST), grouped(SECOND))

    whole = [
        [float(a and b) for a, b in zip(run[::2], run[1::2], strict=True)]
        for run in (FIRST, SECOND)
    ]
    assert found.difference == compared("mean", *whole).difference


def word_errors(seed: int) -> list[tuple[float, float]]:
    return [(float(i * seed % 7), 10.0 + i % 5) for i in range(80)]


@pytest.mark.parametrize("is_clustered", [False, True])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_ratio_is_tested_by_drawing_both_runs_together(
    is_clustered: bool, is_known: bool
) -> None:
    def own(values: Sequence[Any]) -> Any:
        return AGGREGATIONS["error_rate"](values)

    clusters = [i // 2 if is_clustered else i for i in range(80)]
    first, second = word_errors(3), word_errors(5)

    found = compared("error_rate" if is_known else own, first, second, clusters)

    # The difference is nearly that of errors, over the words of all.
    words = sum(count for _, count in first)
    gaps = [100 * (b - a) for (a, _), (b, _) in zip(first, second, strict=True)]
    sums: dict[int, float] = {}
    for gap, cluster in zip(gaps, clusters, strict=True):
        sums[cluster] = sums.get(cluster, 0.0) + gap
    expected = (
        (sample_deviation(list(sums.values())) or 0) * math.sqrt(len(sums)) / words
    )
    assert found.method == "paired bootstrap"
    assert found.clusters == (40 if is_clustered else None)
    assert found.difference.stderr == pytest.approx(expected, rel=0.1)
    assert found.difference.value == pytest.approx(sum(gaps) / words)


@pytest.mark.parametrize("name", ["median", "bleu"])
def test_other_figures_are_tested_by_drawing_too(name: str) -> None:
    words = ["the", "cat", "sat", "on", "a", "mat", "while", "dogs", "ran", "away"]

    def texts(step: int) -> list[list[str]]:
        return [
            [" ".join(words[i % 5 :]), " ".join(words[i * step % 4 :])]
            for i in range(40)
        ]

    first, second = (texts(1), texts(3)) if name == "bleu" else GRADED

    found = compared(name, first, second)

    assert found.method == "paired bootstrap"
    assert found.difference.p_value is not None


def test_pairs_that_must_stay_together_are_found() -> None:
    def by_pair(values: Sequence[dict[str, Any]]) -> float:
        pairs: dict[str, list[float]] = {}
        for value in values:
            pairs.setdefault(value["id"], []).append(value["score"])
        assert all(len(own) == 2 for own in pairs.values())
        return sum(all(own) for own in pairs.values()) / len(pairs)

    def valued(scores: Sequence[float]) -> list[dict[str, Any]]:
        return [{"id": f"p{i // 2}", "score": score} for i, score in enumerate(scores)]

    found = compared(by_pair, valued(FIRST), valued(SECOND))

    assert found.method == "paired bootstrap"
    assert found.clusters == 33


def test_an_aggregation_that_refuses_copies_is_cut_with_a_jackknife() -> None:
    def of_different(values: Sequence[tuple[int, float]]) -> float:
        assert len({place for place, _ in values}) == len(values)
        # Places count, so that they are no mere names.
        return sum(v for _, v in values) / len(values) + 0 * values[0][0]

    first, second = (list(enumerate(run)) for run in GRADED)

    found = compared(of_different, first, second)

    assert found.method == "paired jackknife"
    assert found.difference.p_value == pytest.approx(
        compared("mean", *GRADED).difference.p_value
    )


@pytest.mark.parametrize("name", ["mean", "f1", "median"])
def test_a_run_does_not_differ_from_itself(name: str) -> None:
    values: list[Any] = [(1, 0), (1, 1), (0, 0)] * 9 if name == "f1" else GRADED[0]

    found = compared(name, values, values)

    assert found.difference.value == 0.0
    assert found.difference.p_value == 1.0


@pytest.mark.parametrize(
    ("aggregation", "values", "clusters", "reason"),
    [
        ("mean", ([1.0], [0.0]), None, "one document"),
        ("mean", ([1.0, 1.0], [0.0, 1.0]), [0, 0], "one cluster"),
        ("error_rate", ([(1, 3)] * 2, [(2, 3)] * 2), [0, 0], "one cluster"),
        ("error_rate", ([(1, 3), (0, 0)], [(2, 3), (0, 0)]), None, "has no value"),
        (len, ([1.0, 0.5], [0.0, 0.5]), None, "whatever the documents"),
        (partial(sum, args=None), ([1.0, 0.5], [0.0, 0.5]), None, "may write files"),
    ],
)
def test_without_a_test_the_reason_is_told(
    aggregation: Any,
    values: tuple[list[Any], list[Any]],
    clusters: list[int] | None,
    reason: str,
) -> None:
    function = AGGREGATIONS.get(aggregation, aggregation)
    metric = MetricSpec(
        name="m",
        function=None,
        aggregation=function,
        aggregation_name="a",
        higher_is_better=True,
    )
    shared = range(len(values[0])) if clusters is None else clusters

    found = paired_difference(metric, values, (0.25, 0.5), shared)

    assert found.difference == (0.25, None, None, None)
    assert found.method.startswith("none: ")
    assert reason in found.method
