from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_evalkit.compat.measures import (
    anls,
    levenshtein_distance,
    mean,
    median,
    metric_max_over_ground_truths,
    weighted_f1_score,
)
from pytest_evalkit.errors import ScoringError
from pytest_evalkit.scoring.aggregations import AGGREGATIONS, aggregation_of

LABELS = st.sampled_from(["a", "b", "c", "d"])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@settings(deadline=None)  # the first call imports scikit-learn
@given(st.lists(st.tuples(LABELS, LABELS), min_size=1))
def test_weighted_f1_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    golds, givens = zip(*pairs, strict=True)

    expected = metrics.f1_score(golds, givens, average="weighted", zero_division=0)

    assert weighted_f1_score(pairs) == pytest.approx(expected, abs=1e-12)


def test_an_answer_that_is_no_label_is_a_wrong_one() -> None:
    # F1 of 1: 2*1/(2*1+0+1) = 2/3, weight 2; F1 of 0: 1, weight 1.
    assert weighted_f1_score([(1, 1), (1, "[invalid]"), (0, 0)]) == pytest.approx(7 / 9)


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [("", "", 0), ("", "abc", 3), ("flaw", "lawn", 2), ("abc", "abc", 0)],
)
def test_edit_distances(left: str, right: str, distance: int) -> None:
    assert levenshtein_distance(left, right) == distance
    assert levenshtein_distance(right, left) == distance


@pytest.mark.parametrize(
    ("references", "predictions", "value"),
    [
        (["Paris"], ["  paris "], 1.0),
        (["paris", "lyon"], [["lyo"]], 0.75),
        (["abc"], ["axyz"], 0),
        ([""], [""], 1.0),
    ],
)
def test_anls_is_the_best_similarity_from_a_half(
    references: list[str], predictions: list[Any], value: float
) -> None:
    assert anls(references, predictions) == {"anls": value}


def test_a_published_aggregation_is_that_of_its_name() -> None:
    assert aggregation_of(mean, "acc") == ("mean", AGGREGATIONS["mean"])
    assert aggregation_of(weighted_f1_score, "f1")[0] == "weighted_f1_score"


def test_mean_median_and_maximum() -> None:
    assert mean([1, 2, 6]) == 3
    assert median([4, 1, 3, 2]) == 3
    assert metric_max_over_ground_truths(lambda a, b: a * b, 3, [1, 5, 2]) == 15


def test_of_no_values_there_is_no_number() -> None:
    for aggregation in (mean, median, weighted_f1_score):
        with pytest.raises(ScoringError):
            aggregation([])
    with pytest.raises(ScoringError):
        anls([], ["a"])
