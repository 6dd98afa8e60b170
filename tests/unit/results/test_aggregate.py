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
    assert row["ci95"] == pytest.approx((0.75 - 0.4899910, 0.75 + 0.4899910))
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
    (row,) = aggregate_task(plan_of("acc"), [scored(0, other=1.0)])

    assert (row["value"], row["stderr"], row["ci95"], row["n"]) == (None, None, None, 0)


def test_documents_in_error_are_not_averaged() -> None:
    (row,) = aggregate_task(plan_of("acc"), [scored(0, acc=1.0), failed(1)])

    assert (row["value"], row["n"]) == (1.0, 1)


def test_one_document_has_no_standard_error() -> None:
    (row,) = aggregate_task(plan_of("acc"), [scored(0, acc=1.0)])

    assert (row["value"], row["stderr"], row["ci95"]) == (1.0, None, None)


def test_only_a_mean_has_a_standard_error() -> None:
    def total(values: Sequence[float]) -> float:
        return sum(values)

    samples = [scored(0, a=1, b=1), scored(1, a=3, b=3)]
    metrics = [
        {"metric": "a", "aggregation": "median"},
        {"metric": "b", "aggregation": total},
    ]

    rows = aggregate_task(plan_of(*metrics), samples)

    assert [(row["value"], row["stderr"]) for row in rows] == [(3, None), (4, None)]


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

    aggregate_task(plan_of({"metric": "acc", "aggregation": keep}), samples)

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
