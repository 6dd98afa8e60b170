from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.aggregate import Tally, aggregate_task
from pytest_evalkit.scoring import build_plan
from pytest_evalkit.stats import wilson_interval
from tests.unit.results.scored_samples import plan_of, scored

# Of the values 0, 7, 3, 10, ... below.
MEDIAN_ERROR = 1.1697620883510196


def test_a_mean_has_its_standard_error_and_interval() -> None:
    samples = [scored(i, acc=value) for i, value in enumerate([1.0, 0.0, 1.0, 1.0])]

    (row,) = aggregate_task(plan_of("acc"), samples)

    # Squares: 3 of 1/16 and one of 9/16, sum 3/4; over 3 is 1/4; root 1/2; over 2.
    assert row["value"] == 0.75
    assert row["stderr"] == 0.25
    # Wilson's: (0.75 + z2 / 8 -+ z sqrt(0.1875 / 4 + z2 / 64)) / (1 + z2 / 4), where z
    # is 1.959964 and z2 is 3.841459.
    assert row["ci95"] == pytest.approx((0.300642, 0.954413), abs=1e-6)
    assert row["method"] == "wilson"
    assert row["n"] == 4
    assert row["higher_is_better"] is True
    assert "error" not in row


def test_one_document_has_no_standard_error() -> None:
    (row,) = aggregate_task(plan_of("acc"), [scored(0, acc=1.0)])

    assert (row["value"], row["stderr"], row["ci95"]) == (1.0, None, None)


def total(values: Sequence[float]) -> float:
    return sum(values)


@pytest.mark.parametrize("compat", ["fixed", "strict"])
def test_a_function_of_the_task_is_bounded_by_drawing_anew(compat: str) -> None:
    metrics = [{"metric": "a", "aggregation": total}]
    plan = build_plan(None, metrics, lambda _d, _r: {}, compat=compat)
    samples = [scored(i, a=i % 5) for i in range(100)]

    (row,) = aggregate_task(plan, samples)

    # A hundred values of variance 2: the deviation of their sum is near the root of 200.
    assert row["value"] == 200
    assert row["method"] == "bootstrap bca"
    assert row["replicates"] == 1000
    assert row["ci95"] == pytest.approx((200 - 27.7, 200 + 27.7), abs=4)
    if compat == "strict":
        assert row["stderr"] is None
    else:
        assert row["stderr"] == pytest.approx(math.sqrt(200), rel=0.1)
    assert "stderr_clt" not in row


def test_a_median_is_bootstrapped() -> None:
    plan = plan_of({"metric": "a", "aggregation": "median"})
    samples = [scored(i, a=float(i * 7 % 11)) for i in range(25)]

    rows = [aggregate_task(plan, samples, bootstrap_iters=n)[0] for n in (1000, 0)]
    (usual,) = aggregate_task(plan, samples)

    # Independently computed with lm-evaluation-harness 0.4.13.
    assert rows[0]["stderr"] == pytest.approx(MEDIAN_ERROR, abs=1e-9)
    assert usual == rows[0]
    assert rows[1]["stderr"] is None


def test_without_replicates_nothing_has_an_error() -> None:
    samples = [scored(0, acc=1.0), scored(1, acc=0.0)]

    (row,) = aggregate_task(plan_of("acc"), samples, bootstrap_iters=0)

    assert (row["stderr"], row["ci95"]) == (None, None)
    assert row["method"] == "none: no errors were asked for"


def test_a_metric_without_a_value_says_so() -> None:
    row, _ = aggregate_task(plan_of("acc"), [scored(0, other=1.0)])

    assert (row["value"], row["ci95"]) == (None, None)
    assert row["method"] == "none: there is no value"


def clustered(doc_id: int, cluster: str, **values: Any) -> SampleDict:
    return {**scored(doc_id, **values), "cluster": cluster}


def test_documents_that_go_together_have_a_wider_interval() -> None:
    samples = [
        clustered(i, cluster, acc=value)
        for i, (cluster, value) in enumerate(
            [("a", 1.0), ("a", 1.0), ("b", 0), ("b", 0)]
        )
    ]

    (row,) = aggregate_task(plan_of("acc"), samples)

    # Sums of deviations 1 and -1, squared and over 1 - 1/2, make 4; its root, over 4.
    assert row["stderr"] == pytest.approx(math.sqrt(1 / 12))
    assert row["stderr_clustered"] == pytest.approx(0.5)
    assert row["clusters"] == 2
    assert row["method"] == "clustered wilson"
    assert row["ci95"] is not None
    # Two clusters tell next to nothing: t with one degree of freedom is 12.7.
    assert row["ci95"][0] < 0.01
    assert row["ci95"][1] > 0.99


def test_one_cluster_is_no_clusters() -> None:
    samples = [clustered(i, "a", acc=i / 2) for i in range(2)]

    (row,) = aggregate_task(plan_of("acc"), samples)

    assert "stderr_clustered" not in row


@pytest.mark.parametrize(
    ("compat", "expected"),
    [
        # Sums 1, -1/2 and -1/2 over 1/2, 3/4 and 3/4: 2 + 1/3 + 1/3, over 4 squared.
        ("fixed", (2 + 2 / 3) / 16),
        # As the reference has it: variance 1/12, covariance of both pairs 1/16.
        ("strict", 1 / 12 + 1 / 16),
    ],
)
def test_a_document_that_shares_nothing_stands_alone(
    compat: str, expected: float
) -> None:
    samples = [
        clustered(0, "a", acc=1.0),
        clustered(1, "a", acc=1.0),
        scored(2, acc=0.0),
        scored(3, acc=0.0),
    ]
    plan = build_plan(
        None,
        [{"metric": "acc"}],
        lambda _d, _r: {},
        compat=compat,
        cluster_key="video",
    )

    (row,) = aggregate_task(plan, samples)

    assert row["stderr_clustered"] == pytest.approx(math.sqrt(expected))


@pytest.mark.parametrize("compat", ["fixed", "strict"])
def test_numbers_in_mappings_are_read_by_their_key(compat: str) -> None:
    plan = build_plan(
        None,
        [{"metric": "score", "aggregation": len}],
        lambda _d, _r: {},
        dialect="lmms",
        cluster_key="video",
        score_key="right",
        compat=compat,
    )
    values = [("a", 1), ("a", 1), ("b", 0), ("b", 0)]
    samples = [
        scored(i, score={"video": video, "right": right})
        for i, (video, right) in enumerate(values)
    ]

    (row,) = aggregate_task(plan, samples)

    assert (row["value"], row["ci95"]) == (4, None)
    assert row["method"] == "none: the aggregate is the same whatever the documents"
    assert row["stderr_clt"] == pytest.approx(math.sqrt(1 / 12))
    if compat == "strict":
        # Of the numbers' mean, as the reference has it.
        assert row["stderr_clustered"] == pytest.approx(math.sqrt(1 / 12 + 1 / 16))
    else:
        assert row["stderr_clustered"] == 0.0


def test_intervals_of_other_levels_are_made_in_the_same_way() -> None:
    tally = Tally(plan_of("acc"))
    for i, value in enumerate([1.0, 0.0, 1.0, 1.0]):
        tally.add(scored(i, acc=value))

    (row,) = tally.aggregates(levels=(0.9, 0.99))

    # Wilson's with z of 1.644854 and of 2.575829.
    assert row["intervals"] == {
        "0.9": pytest.approx(wilson_interval(0.75, 4, level=0.9)),
        "0.99": pytest.approx(wilson_interval(0.75, 4, level=0.99)),
    }
    z2 = 1.6448536269514722**2
    half = math.sqrt(z2) * math.sqrt(0.1875 / 4 + z2 / 64)
    assert row["intervals"]["0.9"][0] == pytest.approx(
        (0.75 + z2 / 8 - half) / (1 + z2 / 4)
    )


def test_a_wider_level_of_what_is_drawn_anew_is_a_wider_interval() -> None:
    metrics = [{"metric": "a", "aggregation": total}]
    tally = Tally(build_plan(None, metrics, lambda _d, _r: {}))
    for i in range(100):
        tally.add(scored(i, a=i % 5))

    (row,) = tally.aggregates(levels=(0.8, 0.99))

    assert row["ci95"] is not None
    ends = [row["intervals"]["0.8"], row["ci95"], row["intervals"]["0.99"]]
    assert [low for low, _ in ends] == sorted([low for low, _ in ends], reverse=True)
    assert [high for _, high in ends] == sorted(high for _, high in ends)
    assert len(set(ends)) == 3


def test_without_an_interval_there_is_none_of_another_level() -> None:
    tally = Tally(plan_of("acc"))
    tally.add(scored(0, acc=1.0))

    (row,) = tally.aggregates(levels=(0.9,))

    assert "intervals" not in row
