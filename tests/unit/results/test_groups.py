from __future__ import annotations

import math
from pathlib import Path
from typing import Any, cast

import pytest

from pytest_evalkit.codec import decode, encode
from pytest_evalkit.results.document import RunFacts, TaskConclusion, build_results
from pytest_evalkit.results.gates import gates_of_task, parse_gate
from pytest_evalkit.results.groups import conclude_groups, group_line
from pytest_evalkit.results.journal import GroupDict
from pytest_evalkit.results.schema import AggregateDict, ResultsDict, task_names
from pytest_evalkit.tasks import Group, GroupMetric

RUN = RunFacts(
    model_name="m",
    model_description={},
    options={},
    git_hash=None,
    started_at=0.0,
    elapsed_s=1.0,
    complete=True,
    environment={},
)


def figure(value: float | None, stderr: float | None = 0.1, **changes: Any) -> Any:
    row = {
        "metric": "acc",
        "filter": "none",
        "value": value,
        "stderr": stderr,
        "ci95": None,
        "n": 4,
        "higher_is_better": True,
    }
    return cast("AggregateDict", {**row, **changes})


def task(name: str, *figures: AggregateDict, n: int = 4, **changes: Any) -> Any:
    facts: dict[str, Any] = {
        "name": name,
        "alias": name,
        "config": {"dialect": "lm"},
        "version": 1.0,
        "num_fewshot": 0,
        "directions": {row["metric"]: row["higher_is_better"] for row in figures},
        "aggregates": figures,
        "coverage": {
            "original": n + 1,
            "selected": n,
            "scored": n,
            "errors": 0,
            "skipped": 0,
        },
        "task_hash": "",
        "fingerprint": "",
    }
    return TaskConclusion(**{**facts, **changes})


def group(*tasks: str, **changes: Any) -> GroupDict:
    metric = {"metric": "acc", "filters": None, "weight_by_size": True}
    facts = {
        "kind": "group",
        "name": "all",
        "alias": "All",
        "path": "all.yaml",
        "members": list(tasks),
        "tasks": list(tasks),
        "metrics": [metric],
        "version": 2,
        "gates": [],
    }
    return cast("GroupDict", {**facts, **changes})


def averaged(group: GroupDict, *tasks: TaskConclusion, is_strict: bool = False) -> Any:
    """The rows of the one group."""
    (conclusion,) = conclude_groups([group], tasks, is_strict=is_strict)
    return conclusion.aggregates


def concluded(
    *tasks: TaskConclusion, groups: list[GroupDict], **gates: Any
) -> ResultsDict:
    conclusions = conclude_groups(groups, tasks, is_strict=False)
    return build_results(tasks, RUN, gates.get("gates", ()), conclusions)


def test_a_mean_counts_tasks_by_their_documents() -> None:
    tasks = [task("a", figure(0.5, 0.1), n=3), task("b", figure(0.25, 0.2), n=5)]

    (row,) = averaged(group("a", "b"), *tasks)

    # (1.5 + 1.25) / 8, and the pooled error of test_group_mean.
    assert row["value"] == 0.34375
    assert row["stderr"] == pytest.approx(math.sqrt(0.86 / 48))
    # Shares 3/8 and 5/8 of errors 0.1 and 0.2, of 4 documents each: degrees of freedom
    # (0.0375^2 + 0.125^2)^2 / ((0.0375^4 + 0.125^4) / 3) = 3.5357, where t is 2.9263.
    half = 2.926333 * row["stderr"]
    assert row["ci95"] == pytest.approx((0.34375 - half, 0.34375 + half), abs=1e-5)
    assert row["method"] == "group t"
    assert (row["n"], row["tasks"], row["higher_is_better"]) == (8, 2, True)
    assert "missing" not in row


def test_clusters_of_a_task_widen_the_interval_of_its_group() -> None:
    tasks = [
        task("a", figure(0.5, 0.1, stderr_clustered=0.3, clusters=31), n=100),
        task("b", figure(0.5, 0.1, n=100), n=100),
    ]

    (row,) = averaged(group("a", "b"), *tasks)

    # Half of 0.3 and half of 0.1; degrees of freedom
    # (0.09 + 0.01)^2 / (0.0081 / 30 + 0.0001 / 99) = 36.899, where t is 2.026471.
    error = math.hypot(0.15, 0.05)
    assert row["stderr"] == pytest.approx(math.hypot(0.05, 0.05))
    assert row["stderr_clustered"] == pytest.approx(error)
    half = 2.0264 * error
    assert row["ci95"] == pytest.approx((0.5 - half, 0.5 + half), abs=1e-3)


def test_tasks_whose_documents_are_alike_bound_nothing() -> None:
    tasks = [task("a", figure(1.0, 0.0)), task("b", figure(1.0, 0.0))]

    (row,) = averaged(group("a", "b"), *tasks)

    assert (row["stderr"], row["ci95"]) == (0.0, None)
    assert row["method"] == "none: documents of the tasks do not differ"


def test_an_unweighted_mean_has_the_error_of_an_unweighted_mean() -> None:
    tasks = [task("a", figure(0.5, 0.3), n=3), task("b", figure(0.25, 0.4), n=5)]
    plain = {"metric": "acc", "filters": ["none"], "weight_by_size": False}

    (row,) = averaged(group("a", "b", metrics=[plain]), *tasks)

    assert (row["value"], row["stderr"]) == (0.375, pytest.approx(0.25))


@pytest.mark.parametrize(
    ("dialect", "expected"), [("lm", 0.25), ("lmms", math.sqrt(3.74 / 48))]
)
def test_strict_figures_have_the_error_that_each_reference_gives(
    dialect: str, expected: float
) -> None:
    config = {"dialect": dialect}
    tasks = [
        task("a", figure(0.5, 0.3), n=3, config=config),
        task("b", figure(0.25, 0.4), n=5, config=config),
    ]
    plain = {"metric": "acc", "filters": None, "weight_by_size": False}

    (row,) = averaged(group("a", "b", metrics=[plain]), *tasks, is_strict=True)

    # By hand: pooled are 0.54 and 3.2 over 6 degrees of freedom and 8 documents.
    assert row["stderr"] == pytest.approx(expected)


def test_each_filter_that_tasks_have_is_averaged_unless_some_are_named() -> None:
    tasks = [
        task(name, figure(0.5, filter="strict"), figure(1.0, filter="loose"))
        for name in "ab"
    ]
    named = {"metric": "acc", "filters": ["loose"], "weight_by_size": True}

    every, some = (
        averaged(group("a", "b"), *tasks),
        averaged(group("a", "b", metrics=[named]), *tasks),
    )

    assert [(row["filter"], row["value"]) for row in every] == [
        ("strict", 0.5),
        ("loose", 1.0),
    ]
    assert [row["filter"] for row in some] == ["loose"]


def test_a_task_without_the_metric_is_left_out() -> None:
    tasks = [task("a", figure(0.5)), task("b", figure(1.0, metric="f1"))]

    (row,) = averaged(group("a", "b"), *tasks)

    assert (row["value"], row["n"], row["tasks"]) == (0.5, 4, 1)


def test_a_task_without_a_value_leaves_the_group_without_one() -> None:
    tasks = [task("a", figure(0.5)), task("b", figure(None, None), n=0)]

    (row,) = averaged(group("a", "b"), *tasks)

    assert (row["value"], row["stderr"], row["ci95"]) == (None, None, None)
    assert row["missing"] == "1 of 2 tasks have none: b"


def test_tasks_that_were_not_run_leave_the_group_without_a_value() -> None:
    names = ["a", "b", "c", "d", "e", "f"]

    (row,) = averaged(group(*names), task("a", figure(0.5)))

    assert row["value"] is None
    assert row["missing"] == "5 of its 6 tasks were not run: b, c, d and 2 more"


def test_a_metric_that_no_task_has_names_the_nearest() -> None:
    (row,) = averaged(group("a"), task("a", figure(0.5, metric="acc_norm")))

    assert row["value"] is None
    assert row["missing"] == (
        "no task has 'acc' under filter 'none'; did you mean 'acc_norm,none'?"
    )


def test_without_every_error_the_group_has_none() -> None:
    tasks = [task("a", figure(0.5)), task("b", figure(1.0, None))]

    (row,) = averaged(group("a", "b"), *tasks)

    assert (row["value"], row["stderr"], row["ci95"]) == (0.75, None, None)


def test_a_group_of_which_nothing_was_run_is_left_out() -> None:
    assert conclude_groups([group("a")], [], is_strict=False) == []


def test_directions_and_examples_are_told_where_tasks_agree() -> None:
    down = figure(0.5, metric="wer", higher_is_better=False)
    up = figure(0.5, metric="wer", higher_is_better=True)
    tasks = [task("a", figure(0.5), down), task("b", figure(0.5), up, num_fewshot=5)]

    (all_,) = conclude_groups([group("a", "b")], tasks, is_strict=False)
    (one,) = conclude_groups([group("b")], tasks, is_strict=False)

    assert all_.directions == {"acc": True, "wer": None}
    assert (all_.num_fewshot, one.num_fewshot) == (None, 5)


def test_results_have_the_rows_of_groups_where_readers_look() -> None:
    tasks = [task("a", figure(0.5)), task("b", figure(1.0))]
    gathering = group("a", "b", name="outer", members=["all"], metrics=[])

    results = concluded(*tasks, groups=[gathering, group("a", "b")])

    assert list(results["groups"]) == ["all"]
    assert results["groups"]["all"] == results["results"]["all"]
    assert results["groups"]["all"] == {
        "alias": "All",
        "samples": 8,
        "sample_len": 8,
        "sample_count": {"acc,none": 8},
        "acc,none": 0.75,
        "acc_stderr,none": pytest.approx(math.sqrt(0.005)),
    }
    assert results["group_subtasks"] == {"outer": ["all"], "all": ["a", "b"]}
    assert results["versions"]["all"] == 2
    assert results["n-shot"]["all"] == 0
    assert results["higher_is_better"]["all"] == {"acc": True}
    assert results["coverage"]["all"]["original"] == 10
    assert list(results["configs"]) == list(results["n-samples"]) == ["a", "b"]
    assert task_names(results) == ["a", "b"]
    assert decode(encode(results))["groups"]["all"]["acc,none"] == 0.75


def test_a_gate_may_name_a_group() -> None:
    tasks = [task("a", figure(0.5)), task("b", figure(1.0))]
    gates = [
        parse_gate("all:acc>=0.7"),
        *gates_of_task("all", [{"metric": "acc", "max": 0.7}]),
    ]

    results = concluded(*tasks, groups=[group("a", "b")], gates=gates)

    assert [(gate["task"], gate["verdict"]) for gate in results["gates"]] == [
        ("all", "pass"),
        ("all", "fail"),
    ]


def test_a_gate_may_name_a_group_within_another() -> None:
    inner = group("a", name="all::inner")

    results = concluded(
        task("a", figure(0.5)),
        groups=[inner],
        gates=[parse_gate("all::inner:acc>=0.5")],
    )

    assert results["gates"][0]["verdict"] == "pass"


def test_a_gate_that_names_no_task_is_about_tasks_and_not_about_groups() -> None:
    tasks = [task("a", figure(0.5)), task("b", figure(1.0))]

    results = concluded(
        *tasks, groups=[group("a", "b")], gates=[parse_gate("acc>=0.6")]
    )

    judged = [(gate["task"], gate["verdict"]) for gate in results["gates"]]
    assert judged == [("a", "fail"), ("b", "pass")]


def test_a_gate_on_a_group_without_a_value_fails_and_says_why() -> None:
    tasks = [task("a", figure(0.5)), task("b", figure(None, None), n=0)]

    results = concluded(
        *tasks, groups=[group("a", "b")], gates=[parse_gate("all:acc>=0.5")]
    )

    (gate,) = results["gates"]
    assert gate["verdict"] == "fail"
    assert "no value: 1 of 2 tasks have none: b" in gate["message"]


@pytest.mark.parametrize(
    ("partial", "names", "reason"),
    [
        ("2 of 4 documents were selected", "ab", "of 'a', 2 of 4 documents"),
        (None, "abc", "1 of its 3 tasks were not run: c"),
    ],
)
def test_a_gate_on_part_of_a_group_is_not_judged(
    partial: str | None, names: str, reason: str
) -> None:
    tasks = [task("a", figure(0.5), partial=partial), task("b", figure(1.0))]

    results = concluded(
        *tasks, groups=[group(*names)], gates=[parse_gate("all:acc>=0.9")]
    )

    (gate,) = results["gates"]
    assert gate["verdict"] == "inconclusive"
    assert reason in gate["message"]


def test_a_misspelt_group_names_the_nearest() -> None:
    gates = [parse_gate("al:acc>=0.5"), parse_gate("all:ac>=0.5")]

    results = concluded(task("a", figure(0.5)), groups=[group("a")], gates=gates)

    assert [gate["message"] for gate in results["gates"]] == [
        "no task 'al' was run; did you mean 'all'?",
        "group 'all' has no metric 'ac'; did you mean 'acc'?",
    ]


def test_a_group_survives_being_written_to_a_journal() -> None:
    metric = GroupMetric(metric="acc", filters=("none",), weight_by_size=False)
    written = group_line(
        Group(
            name="all",
            alias="All",
            path=Path("all.yaml"),
            members=("a", "inner"),
            metrics=(metric,),
            version=2.0,
            tasks=("a", "b"),
            gates=({"metric": "acc", "min": 0.5},),
        )
    )

    assert decode(encode(written)) == group(
        "a",
        "b",
        members=["a", "inner"],
        metrics=[{"metric": "acc", "filters": ["none"], "weight_by_size": False}],
        version=2.0,
        gates=[{"metric": "acc", "min": 0.5}],
    )
