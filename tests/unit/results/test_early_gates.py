from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.results.early_gates import EarlyTask, early_gates
from pytest_evalkit.results.gates import gates_of_task, parse_gate
from pytest_evalkit.scoring import build_plan


def task(name: str = "sums", **changes: Any) -> EarlyTask:
    metrics: list[dict[str, Any]] = [
        {"metric": "acc"},
        {"metric": "rating", "aggregation": "mean", "range": [1, 10]},
        {"metric": "rouge", "aggregation": "mean"},
        {"metric": "middle", "aggregation": "median"},
    ]
    filters = [
        {"name": name, "filter": [{"function": "take_first"}]} for name in ("z", "a")
    ]
    plan = build_plan(filters, metrics, lambda _doc, _results: {})
    return EarlyTask(**{"name": name, "plan": plan, **changes})


def test_gates_are_sorted_by_task() -> None:
    gates = [parse_gate("acc>=0.8"), parse_gate("b:rating,a<=7@0.9")]

    found = early_gates(gates, [task("a"), task("b"), task("c")])

    conditions = {
        name: [(one.gate.condition, one.low, one.high) for one in own]
        for name, own in found.items()
    }
    assert conditions == {
        "a": [("acc,z >= 0.8", 0.0, 1.0)],
        "b": [("acc,z >= 0.8", 0.0, 1.0), ("rating,a <= 7 @ 0.9", 1.0, 10.0)],
        "c": [("acc,z >= 0.8", 0.0, 1.0)],
    }


def test_a_task_without_gates_is_run_whole() -> None:
    found = early_gates([parse_gate("b:acc>=0.8")], [task("a"), task("b")])

    assert list(found) == ["b"]


def test_a_star_is_the_first_metric_with_a_direction() -> None:
    (gate,) = early_gates([parse_gate("*>=0.8")], [task()])["sums"]

    assert gate.metric == ("acc", "z")


def test_what_a_gate_is_about_follows_from_its_confidence() -> None:
    gates = [parse_gate("acc>=0.8"), parse_gate("acc<=0.9@0.9")]

    these, others = early_gates(gates, [task()])["sums"]

    assert (these.is_of_these, these.level, these.wants_above) == (True, 0.95, True)
    assert (others.is_of_these, others.level, others.wants_above) == (False, 0.9, False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("drop(acc)<=0.1", "compares with a baseline"),
        ("smus:acc>=0.8", "no task 'smus' with documents is run"),
        ("latency.p90_s<=20", "no task lists the metric 'latency.p90_s'"),
        ("parse_rate>=0.9", "no task lists the metric 'parse_rate'"),
        ("sums:coverage>=0.9", "'sums' lists no metric 'coverage'"),
        ("sums:ac>=0.9", "did you mean 'acc'"),
        ("acc,y>=0.9", "'sums' has no filter 'y'"),
        ("middle>=0.9", "'middle' of 'sums' is no mean of documents, but 'median'"),
        ("rouge>=0.9", "between which numbers 'rouge' of 'sums' lies; say 'range: "),
        ("acc>=1.1", "'acc' lies from 0 to 1"),
        ("rating<=0.5", "'rating' lies from 1 to 10"),
    ],
)
def test_a_gate_that_some_documents_cannot_decide_is_refused(
    text: str, reason: str
) -> None:
    with pytest.raises(OptionError) as refused:
        early_gates([parse_gate("acc>=0.5"), parse_gate(text)], [task()])

    said = str(refused.value)
    assert said.startswith("--early-stop cannot decide the gate '")
    assert reason in said
    assert said.endswith("leave out --early-stop, or the gate")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"is_bundled": True}, "belong together"),
        ({"partial": "3 of 9 documents are selected"}, "not judged: 3 of 9"),
    ],
)
def test_a_task_whose_documents_cannot_go_one_by_one_is_refused(
    changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(OptionError, match=reason):
        early_gates([parse_gate("acc>=0.5")], [task(**changes)])


def test_documents_that_depend_on_each_other_say_nothing_of_others() -> None:
    plan = build_plan([], [{"metric": "acc"}], lambda _doc, _results: {})
    clustered = task(plan=replace(plan, cluster_key="video"))

    assert early_gates([parse_gate("acc>=0.5")], [clustered])
    with pytest.raises(OptionError, match="depend on each other"):
        early_gates([parse_gate("acc>=0.5@0.9")], [clustered])


def test_a_run_without_gates_has_nothing_to_stop_for() -> None:
    with pytest.raises(OptionError, match="there is no gate"):
        early_gates([], [task()])


def test_gates_of_groups_are_refused() -> None:
    gates = gates_of_task("all", [{"metric": "acc", "min": 0.5}])

    with pytest.raises(OptionError, match="no task 'all' with documents"):
        early_gates(gates, [task()])
