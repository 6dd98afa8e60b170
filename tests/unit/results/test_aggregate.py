from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.aggregate import Tally, aggregate_task, task_hash
from pytest_evalkit.scoring import ScoringPlan, build_plan

# Of the values 0, 7, 3, 10, ... below.
MEDIAN_ERROR = 1.1697620883510196


def plan_of(*metrics: Any, filters: Sequence[str] = ("none",)) -> ScoringPlan:
    return build_plan(
        [{"name": name, "filter": [{"function": "take_first"}]} for name in filters],
        [
            metric if isinstance(metric, dict) else {"metric": metric}
            for metric in metrics
        ],
        lambda _doc, _results: {},
    )


def scored(doc_id: int, pipeline: str = "none", **values: Any) -> SampleDict:
    sample = {**_sample(doc_id, pipeline), "metrics": list(values), **values}
    return cast("SampleDict", sample)


def failed(doc_id: int, error: str = "no answer: HTTP 500") -> SampleDict:
    return {**_sample(doc_id, "none"), "status": "error", "error": error}


def _sample(doc_id: int, pipeline: str) -> SampleDict:
    return {
        "schema_version": 1,
        "task": "sums",
        "doc_id": doc_id,
        "item_id": str(doc_id),
        "doc_hash": f"hash{doc_id}",
        "status": "scored",
        "input": [],
        "target": "4",
        "filter": pipeline,
        "filtered_resps": "4",
        "metrics": [],
        "attempts": 1,
    }


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


def test_each_metric_sees_its_own_documents() -> None:
    samples = [scored(0, p=1.0), scored(1, c=0.0), scored(2, p=0.0), scored(3, c=0.0)]

    rows = aggregate_task(plan_of("p", "c"), samples)

    assert [(row["metric"], row["value"], row["n"]) for row in rows] == [
        ("p", 0.5, 2),
        ("c", 0.0, 2),
    ]


def test_each_filter_has_its_own_rows() -> None:
    samples = [scored(0, "strict", acc=0.0), scored(0, "loose", acc=1.0)]

    rows = aggregate_task(plan_of("acc", filters=("strict", "loose")), samples)

    assert [(row["filter"], row["value"]) for row in rows] == [
        ("strict", 0.0),
        ("loose", 1.0),
    ]


def test_a_metric_that_no_document_has_has_no_value() -> None:
    row, other = aggregate_task(plan_of("acc"), [scored(0, other=1.0)])

    assert (other["metric"], other["value"]) == ("other", 1.0)
    assert "gives others that the task does not list" in row["error"]
    assert (row["value"], row["stderr"], row["ci95"], row["n"]) == (None, None, None, 0)


def test_documents_in_error_are_not_averaged() -> None:
    (row,) = aggregate_task(plan_of("acc"), [scored(0, acc=1.0), failed(1)])

    assert (row["value"], row["n"]) == (1.0, 1)


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


def test_values_of_one_function_have_a_row_each() -> None:
    def pass_at_k(*, references: Any, predictions: Any) -> dict[str, float]:
        return {"pass@1": float(references == predictions)}

    entry = {"metric": pass_at_k, "aggregation": "median", "higher_is_better": False}
    plan = build_plan(None, [entry, {"metric": "exact_match"}], None)
    samples = []
    for i, value in enumerate([0.0, 1.0, 1.0]):
        values: dict[str, Any] = {"pass@1": value, "pass@2": 1.0, "exact_match": 0.0}
        sample = scored(i, "none", **values)
        sources = {"pass@1": "pass_at_k", "pass@2": "pass_at_k"}
        samples.append(cast("SampleDict", {**sample, "metric_sources": sources}))

    rows = aggregate_task(plan, samples)

    assert [(row["metric"], row["value"], row["n"]) for row in rows] == [
        ("pass@1", 1.0, 3),
        ("pass@2", 1.0, 3),
        ("exact_match", 0.0, 3),
    ]
    directions = [row["higher_is_better"] for row in rows]
    assert directions == [False, False, True]


@pytest.mark.parametrize(
    ("dialect", "names"), [("lm", ["acc", "f"]), ("lmms", ["acc"])]
)
def test_numbers_that_are_not_listed_are_averaged_in_the_lm_dialect(
    dialect: str, names: list[str]
) -> None:
    plan = build_plan(None, [{"metric": "acc"}], lambda _d, _r: {}, dialect=dialect)
    samples = [
        scored(0, acc=1.0, f=0.5, text="a", pair=[1, 2]),
        scored(1, acc=1.0, f=1.0, text="b", pair=[1, 2]),
    ]

    rows = aggregate_task(plan, samples)

    assert [row["metric"] for row in rows] == names
    if dialect == "lm":
        assert (rows[1]["value"], rows[1]["higher_is_better"]) == (0.75, None)


def test_a_document_run_again_forgets_what_it_had() -> None:
    plan = build_plan(None, [{"metric": "acc"}], lambda _d, _r: {})

    rows = aggregate_task(plan, [scored(0, acc=1.0, f=0.5), failed(0)])

    assert [(row["metric"], row["n"]) for row in rows] == [("acc", 0)]


def test_values_without_a_number_are_left_out_by_nanmean() -> None:
    plan = plan_of({"metric": "rouge", "aggregation": "nanmean"})

    (row,) = aggregate_task(plan, [scored(0, rouge=None), scored(1, rouge=0.5)])

    assert (row["value"], row["n"]) == (0.5, 2)


def test_an_aggregation_that_raises_leaves_the_others_standing() -> None:
    def broken(values: Sequence[Any]) -> float:
        return float(values[0]["score"])

    metrics = [{"metric": "a", "aggregation": broken}, {"metric": "b"}]

    rows = aggregate_task(plan_of(*metrics), [scored(0, a={"points": 1}, b=1.0)])

    assert rows[0]["value"] is None
    assert rows[0]["error"] == "KeyError: 'score'"
    assert rows[1]["value"] == 1.0


@pytest.mark.parametrize(
    ("result", "error"),
    [
        ({"a": 1}, "gave dict, not a number"),
        ("0.5", "gave str, not a number"),
        (math.nan, "gave NaN"),
    ],
)
def test_an_aggregation_must_give_a_number(result: Any, error: str) -> None:
    def odd(_values: Sequence[Any]) -> Any:
        return result

    metric = {"metric": "a", "aggregation": odd}

    (row,) = aggregate_task(plan_of(metric), [scored(0, a=1.0)])

    assert row["value"] is None
    assert row["error"] == f"aggregation 'odd' {error}"


def test_an_aggregation_that_finds_nothing_whole_has_no_value() -> None:
    def no_pairs(_values: Sequence[Any]) -> None:
        return None

    metric = {"metric": "a", "aggregation": no_pairs}

    (row,) = aggregate_task(plan_of(metric), [scored(0, a=1.0)])

    assert row["value"] is None
    assert row["n"] == 1
    assert "error" not in row


def test_a_mean_of_what_is_no_number_says_so() -> None:
    (row,) = aggregate_task(plan_of("acc"), [scored(0, acc=None), scored(1, acc=1.0)])

    assert row["value"] is None
    assert row["error"].startswith("TypeError: ")


@given(st.permutations(range(8)))
def test_the_order_of_the_lines_makes_no_difference(order: list[int]) -> None:
    seen: list[Any] = []

    def keep(values: Sequence[Any]) -> int:
        seen.append(list(values))
        return 0

    samples = [scored(i, acc=i / 10) for i in order]

    plan = plan_of({"metric": "acc", "aggregation": keep})
    aggregate_task(plan, samples, bootstrap_iters=0)

    assert seen == [[i / 10 for i in range(8)]]


def test_of_a_document_recorded_twice_the_later_counts() -> None:
    tally = Tally(plan_of("acc"))
    again = [failed(0), scored(1, acc=1.0), scored(0, acc=0.5), failed(1, "no: x")]

    for sample in again:
        tally.add(sample)

    assert tally.aggregates()[0]["n"] == 1
    assert tally.aggregates()[0]["value"] == 0.5
    assert tally.coverage(9, 2) == {
        "original": 9,
        "selected": 2,
        "scored": 1,
        "errors": 1,
        "skipped": 0,
    }
    assert tally.error_kinds() == {"no": 1}


def test_a_document_counts_once_however_many_filters_it_has() -> None:
    tally = Tally(plan_of("acc", filters=("a", "b")))

    tally.add(scored(0, "a", acc=1.0))
    tally.add(scored(0, "b", acc=1.0))

    assert tally.coverage(5, 3)["scored"] == 1


def test_errors_are_counted_by_kind() -> None:
    tally = Tally(plan_of("acc"))

    for doc_id, error in enumerate(
        ["scorer raised KeyError: 'a'", "no answer: HTTP 500", "no answer: timeout"]
    ):
        tally.add(failed(doc_id, error))

    assert tally.error_kinds() == {"no answer": 2, "scorer raised KeyError": 1}


def test_the_task_hash_is_over_the_documents_in_their_order() -> None:
    tally = Tally(plan_of("acc"))

    tally.add(scored(1, acc=1.0))
    tally.add(failed(0))

    assert tally.task_hash() == hashlib.sha256(b"hash0hash1").hexdigest()
    assert tally.task_hash() == task_hash(["hash0", "hash1"])
