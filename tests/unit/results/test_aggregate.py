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
from pytest_evalkit.scoring import build_plan
from tests.unit.results.scored_samples import failed, plan_of, scored


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
