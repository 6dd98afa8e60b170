from __future__ import annotations

import logging
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any

import pytest

from pytest_evalkit.scoring import MetricSpec, spread_of, standard_error_of
from pytest_evalkit.scoring.aggregations import AGGREGATIONS
from pytest_evalkit.scoring.intervals import Spread
from pytest_evalkit.scoring.redrawing import UnfitError, redraw
from pytest_evalkit.stats import clustered_mean, t_interval, wilson_interval

NUMBERS = [(i * 7 % 11) / 10 for i in range(44)]
RIGHT = [float(i * 7 % 11 < 8) for i in range(44)]
LABELS = [(i * 3 % 7 % 2, i * 5 % 11 % 2) for i in range(60)]
YES = [("yes" if g else "no", "yes" if a else "no") for g, a in LABELS]


def metric(aggregation: str | Callable[..., Any]) -> MetricSpec:
    function = (
        AGGREGATIONS[aggregation] if isinstance(aggregation, str) else aggregation
    )
    return MetricSpec(
        name="m",
        function=None,
        aggregation=function,
        aggregation_name=aggregation if isinstance(aggregation, str) else "own",
        higher_is_better=True,
    )


def spread(
    aggregation: str | Callable[..., Any],
    values: Sequence[Any],
    clusters: Sequence[Hashable] | None = None,
) -> Spread:
    spec = metric(aggregation)
    shared = range(len(values)) if clusters is None else clusters
    return spread_of(spec, values, spec.aggregation(list(values)), shared)


def as_own(name: str) -> Callable[[Sequence[Any]], Any]:
    """Wrap a built-in aggregation, so that nothing is known of it."""

    def own(values: Sequence[Any]) -> Any:
        return _QUICK.get(name, AGGREGATIONS[name])(values)

    return own


def f1_of_ones(values: Sequence[tuple[int, int]]) -> float:
    both = sum(gold and said for gold, said in values)
    return 2 * both / sum(gold + said for gold, said in values)


def correlation(values: Sequence[tuple[int, int]]) -> float:
    counts = [values.count((gold, said)) for gold in (0, 1) for said in (0, 1)]
    tn, fp, fn, tp = counts
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return (tp * tn - fp * fn) / math.sqrt(product)


# What scikit-learn takes long for, and a bound of time would make of fewer draws.
_QUICK = {"f1": f1_of_ones, "matthews_corrcoef": correlation}


def test_a_proportion_has_wilsons_interval() -> None:
    found = spread("mean", RIGHT)

    assert found.method == "wilson"
    assert found.ci95 == wilson_interval(sum(RIGHT) / 44, 44)
    assert found.stderr == standard_error_of(metric("mean"), RIGHT)
    assert (found.clusters, found.replicates) == (None, None)


def test_another_mean_has_students_interval() -> None:
    found = spread("mean", NUMBERS)

    stderr = standard_error_of(metric("mean"), NUMBERS)
    assert stderr is not None
    assert found.method == "t"
    assert found.ci95 == t_interval(sum(NUMBERS) / 44, stderr, 43)


def test_clusters_widen_the_interval_of_a_mean() -> None:
    values = [value for value in NUMBERS for _ in range(3)]
    clusters = [i // 3 for i in range(len(values))]
    expected = clustered_mean(values, clusters)
    assert expected is not None

    found = spread("mean", values, clusters)

    assert found.method == "clustered t"
    assert found.clusters == 44
    assert found.stderr == expected.stderr
    assert found.ci95 == t_interval(expected.value, expected.stderr, expected.freedom)


def test_groups_of_documents_count_as_one_each() -> None:
    values = [[f"q{i // 4}", float(i % 9 > 0), 4] for i in range(120)]

    found = spread("all_right", values, [i // 4 for i in range(120)])

    # Of 30 groups, those without a multiple of nine: 14 of them hold one.
    assert found.method == "wilson"
    assert found.ci95 == wilson_interval(16 / 30, 30)


def test_the_mean_of_squared_distances_is_a_mean() -> None:
    values = [(0, [0.5 + i % 5 / 10, 0.5 - i % 5 / 10]) for i in range(20)]

    found = spread("brier_score", values)

    assert found.method == "t"
    distances = [2 * value[1][1] ** 2 for value in values]
    assert found.ci95 == pytest.approx(spread("mean", distances).ci95)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("bits_per_byte", [(-float(i % 7 + 3), 10 + i % 3) for i in range(60)]),
        ("error_rate", [(i % 4, 10 + i % 3) for i in range(60)]),
        ("f1", LABELS),
        ("matthews_corrcoef", LABELS),
        ("nanmean", [None if i % 4 == 0 else i % 7 / 7 for i in range(60)]),
        ("perplexity", [-(i * 5 % 13) / 4 for i in range(60)]),
        ("weighted_perplexity", [(-float(i % 7 + 3), 10 + i % 3) for i in range(60)]),
        ("yes_f1", YES),
        ("yes_precision", YES),
        ("yes_ratio", YES),
        ("yes_recall", YES),
    ],
)
@pytest.mark.parametrize("is_clustered", [False, True])
def test_sums_and_calls_make_one_interval(
    name: str, values: Sequence[Any], is_clustered: bool
) -> None:
    clusters = [i // 2 if is_clustered else i for i in range(60)]

    found = spread(name, values, clusters)

    # The same function, called on each draw's values.
    called = spread(as_own(name), values, clusters)
    assert (found.method, called.method) == ("bootstrap bca", "bootstrap bca")
    assert (found.replicates, called.replicates) == (10_000, 1000)
    assert found.clusters == called.clusters == (30 if is_clustered else None)
    assert found.ci95 is not None
    width = found.ci95[1] - found.ci95[0]
    assert called.ci95 == pytest.approx(found.ci95, abs=0.08 * width)
    assert called.stderr == pytest.approx(found.stderr, rel=0.06)


@pytest.mark.parametrize("is_clustered", [False, True])
def test_a_median_lies_between_percentiles(is_clustered: bool) -> None:
    clusters = [i // 2 if is_clustered else i for i in range(44)]

    found = spread("median", NUMBERS, clusters)

    assert found.ci95 is not None
    assert found.ci95[0] <= 0.5 <= found.ci95[1]
    assert found.replicates == 1000


@pytest.mark.parametrize("is_clustered", [False, True])
def test_corpora_are_drawn_a_hundred_times(is_clustered: bool) -> None:
    words = ["the", "cat", "sat", "on", "a", "mat", "while", "dogs", "ran", "away"]
    pairs = [
        [" ".join(words[i % 5 : i % 5 + 6]), " ".join(words[i % 4 : i % 4 + 6])]
        for i in range(24)
    ]
    clusters = [i // 2 if is_clustered else i for i in range(24)]

    found = spread("bleu", pairs, clusters)

    assert found.method == "bootstrap t"
    assert found.replicates == 100
    assert found.clusters == (12 if is_clustered else None)
    if not is_clustered:
        reference = standard_error_of(metric("bleu"), pairs, iterations=100)
        assert found.stderr == pytest.approx(reference)


def pair(i: int, right: int) -> dict[str, Any]:
    category = ("colour", "count")[i // 2 % 2]
    return {"question_id": f"{category}/{i // 2}", "category": category, "score": right}


PAIRS = [pair(i, int(i * 7 % 11 < 6 or i * 5 % 13 < 3)) for i in range(240)]


def pairs_right(values: Sequence[Mapping[str, Any]]) -> float:
    """Score pairs as MME does: a document drawn twice would spoil its pair."""
    scores: dict[str, dict[str, list[int]]] = {"colour": {}, "count": {}}
    for value in values:
        own = scores[value["category"]].setdefault(value["question_id"], [])
        own.append(value["score"])
        assert len(own) <= 2
    whole = [[own for own in ids.values() if len(own) == 2] for ids in scores.values()]
    return sum(
        sum(100 * sum(own) / 2 + 100 * (sum(own) == 2) for own in owns) / len(owns)
        for owns in whole
    )


@pytest.mark.parametrize("is_told", [True, False])
def test_pairs_are_drawn_together_whether_the_task_says_so_or_not(
    is_told: bool,
) -> None:
    clusters = [i // 2 for i in range(240)] if is_told else None

    found = spread(pairs_right, PAIRS, clusters)

    # Of each category 60 independent pairs: the deviation of a sum of two means.
    scores: dict[str, list[float]] = {"colour": [], "count": []}
    for one, other in zip(PAIRS[::2], PAIRS[1::2], strict=True):
        right = one["score"] + other["score"]
        scores[one["category"]].append(50 * right + 100 * (right == 2))
    expected = math.sqrt(
        sum(
            (standard_error_of(metric("mean"), own) or 0) ** 2
            for own in scores.values()
        )
    )
    assert found.clusters == 120
    assert found.method == "bootstrap bca"
    assert found.stderr == pytest.approx(expected, rel=0.08)


def test_what_merges_equal_names_sees_copies_apart() -> None:
    def share_of_names(values: Sequence[tuple[str, float]]) -> float:
        names = dict(values)
        return sum(names.values()) / len(names)

    values = [(f"n{i}", right) for i, right in enumerate(RIGHT)]

    found = spread(share_of_names, values)

    # As the mean that it is; merged copies would make it a fifth less.
    assert found.stderr == pytest.approx(
        standard_error_of(metric("mean"), RIGHT) or 0, rel=0.08
    )


def test_categories_are_not_taken_for_names() -> None:
    def worst(values: Sequence[Mapping[str, Any]]) -> float:
        means: dict[str, list[float]] = {}
        for value in values:
            means.setdefault(value["kind"], []).append(value["score"])
        return min(sum(own) / len(own) for own in means.values())

    values = [{"kind": "ab"[i % 2], "score": v} for i, v in enumerate(NUMBERS)]

    found = spread(worst, values)

    # Were each copy a category of its own, the least would be near zero.
    assert found.ci95 is not None
    assert found.ci95[0] > 0.2


def test_an_aggregation_that_refuses_copies_is_cut_with_a_jackknife() -> None:
    def of_different(values: Sequence[float]) -> float:
        assert len(set(values)) == len(values)
        return sum(values) / len(values)

    values = [i / 50 for i in range(50)]

    found = spread(of_different, values)

    assert found.method == "jackknife"
    assert found.ci95 == pytest.approx(spread("mean", values).ci95)


def test_one_document_of_each_category_is_cut_with_a_jackknife_too() -> None:
    def total(values: Sequence[Mapping[str, Any]]) -> float:
        kinds = {value["kind"]: value["score"] for value in values}
        assert all(len(kind) == 1 for kind in kinds)
        return float(sum(kinds.values()))

    values = [{"kind": kind, "score": 5.0 + ord(kind) % 3} for kind in "abcdefghij"]

    found = spread(total, values)

    # Drawn anew some are always missing, so that every draw is below the value.
    assert found.method == "jackknife"
    assert found.ci95 is not None
    assert found.ci95[0] < total(values) < found.ci95[1]


def of_all(values: Sequence[float]) -> float:
    assert len(values) == 44
    assert len(set(values)) == len(set(NUMBERS))
    return 0.5


@pytest.mark.parametrize(
    ("aggregation", "values", "clusters", "reason"),
    [
        ("mean", [1.0], None, "one document"),
        ("mean", [0.3] * 5, None, "all values are equal"),
        ("mean", [0.3] * 4, [0, 0, 1, 1], "all clusters are equal"),
        ("mean", RIGHT[:4], [0] * 4, "one cluster"),
        ("f1", LABELS[:4], [0] * 4, "one cluster"),
        ("bleu", [["a b", "a c"]] * 4, [0] * 4, "one cluster"),
        ("all_right", [["a", 1.0, 2], ["a", 1.0, 2]], None, "one group"),
        ("f1", [(1, 1)] * 9, None, "the same whatever the documents"),
        ("error_rate", [(1, 3), (0, 0), (0, 0)], None, "has no value"),
        ("bypass", [None, None], None, "not scored"),
        (of_all, NUMBERS, None, "refuses any documents but all"),
        (partial(max, args=1), NUMBERS, None, "may write files"),
    ],
)
def test_without_an_interval_the_reason_is_told(
    aggregation: Any, values: list[Any], clusters: list[int] | None, reason: str
) -> None:
    shared = range(len(values)) if clusters is None else clusters

    found = spread_of(metric(aggregation), values, 0.5, shared)

    assert found.ci95 is None
    assert found.method.startswith("none: ")
    assert reason in found.method


def test_draws_are_fewer_where_documents_are_many() -> None:
    values = [i % 7 / 7 for i in range(5000)]

    found = spread(lambda drawn: sum(drawn) / len(drawn), values)

    assert (found.method, found.replicates) == ("bootstrap t", 100)
    assert found.stderr == pytest.approx(
        standard_error_of(metric("mean"), values), rel=0.2
    )


@pytest.mark.parametrize(("seconds", "draws"), [(0.001, 500), (0.1, 50)])
def test_what_takes_long_is_drawn_less_often(seconds: float, draws: int) -> None:
    times = count(0.0, seconds)

    redrawn = redraw(sum, NUMBERS, range(44), 500, lambda: next(times))

    assert len(redrawn.figures) == draws


def test_what_took_long_only_once_is_drawn_as_often() -> None:
    times = iter([0.0, 5.0, 5.0, 5.001])

    redrawn = redraw(sum, NUMBERS, range(44), 500, lambda: next(times))

    assert len(redrawn.figures) == 500


def test_what_takes_too_long_is_not_drawn() -> None:
    times = count(0.0, 1.5)

    with pytest.raises(UnfitError, match=r"takes 1\.5 s"):
        redraw(sum, NUMBERS, range(44), 500, lambda: next(times))


def test_an_aggregation_that_talks_is_silent_while_it_is_repeated(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def talking(values: Sequence[float]) -> float:
        print("so and so")
        logging.getLogger("task").error("so and so")
        return sum(values)

    redraw(talking, NUMBERS, range(44), 100)

    assert capsys.readouterr().out == ""
    assert caplog.records == []
    logging.getLogger("task").error("afterwards")
    assert [record.message for record in caplog.records] == ["afterwards"]


def test_the_same_documents_always_have_the_same_interval() -> None:
    found = [spread("f1", LABELS), spread("f1", LABELS)]
    called = [spread(pairs_right, PAIRS), spread(pairs_right, PAIRS)]

    assert found[0] == found[1]
    assert found[0].ci95 == found[1].ci95
    assert called[0] == called[1]
    assert called[0].ci95 == called[1].ci95
