from __future__ import annotations

from typing import Any, cast

import pytest

from pytest_evalkit.results.failing import is_failing
from pytest_evalkit.results.gate_verdicts import judge_all
from pytest_evalkit.results.gates import gates_of_task, parse_gate
from pytest_evalkit.results.schema import GateDict, ResultsDict


def row(metric: str = "acc", **changes: Any) -> Any:
    facts = {
        "metric": metric,
        "filter": "none",
        "value": 0.8,
        "stderr": 0.02,
        "ci95": (0.76, 0.84),
        "n": 400,
        "higher_is_better": True,
    }
    return {**facts, **changes}


def results(*rows: Any, complete: bool = True, **changes: Any) -> ResultsDict:
    counts = {"original": 400, "selected": 400, "scored": 400, "errors": 0}
    found = {
        "complete": complete,
        "aggregates": {"sums": list(rows or [row()])},
        "group_subtasks": {},
        "coverage": {"sums": {**counts, "skipped": 0, **changes.pop("counts", {})}},
        "latency": {},
        "usage": {},
        "throughput": {},
    }
    return cast("ResultsDict", {**found, **changes})


def judged(text: str, found: ResultsDict, **partial: str) -> GateDict:
    (gate,) = judge_all([parse_gate(text)], found, partial)
    return gate


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        # From 0.76 to 0.84.
        ("acc>=0.75@0.95", "pass"),
        ("acc>=0.76@0.95", "pass"),
        ("acc>0.76@0.95", "inconclusive"),
        ("acc>=0.77@0.95", "inconclusive"),
        ("acc>=0.84@0.95", "inconclusive"),
        ("acc>=0.85@0.95", "fail"),
        ("acc<=0.85@0.95", "pass"),
        ("acc<=0.84@0.95", "pass"),
        ("acc<0.84@0.95", "inconclusive"),
        ("acc<=0.8@0.95", "inconclusive"),
        ("acc<=0.75@0.95", "fail"),
        # From 0.77 to 0.83.
        ("acc>=0.77@0.9", "pass"),
        ("acc>=0.84@0.9", "fail"),
    ],
)
def test_with_a_confidence_the_whole_interval_must_hold(
    condition: str, verdict: str
) -> None:
    found = results(row(intervals={"0.9": (0.77, 0.83)}))

    assert judged(condition, found)["verdict"] == verdict


@pytest.mark.parametrize(
    ("condition", "documents"),
    [
        # The deviation of a document is 0.02 * 20 = 0.4; (1.959964 + 0.841621)^2 is
        # 7.848880; times (0.4 / 0.03)^2 is 1395.4, and times (0.4 / 0.02)^2 3139.6.
        ("acc>=0.77@0.95", 1396),
        ("acc>=0.78", 3140),
        ("acc>=0.82", 3140),
        ("acc>=0.75@0.95", None),
        ("acc>=0.8", None),
        # (1.644854 + 0.841621)^2 is 6.182557; times (0.4 / 0.02)^2 is 2473.02.
        ("acc>=0.78@0.9", 2474),
    ],
)
def test_an_interval_across_the_bound_tells_how_many_documents_decide(
    condition: str, documents: int | None
) -> None:
    gate = judged(condition, results(row(intervals={"0.9": (0.77, 0.83)})))

    assert gate["documents"] == documents
    if documents is not None:
        assert f"some {documents:,} documents would decide it" in gate["message"]


def test_errors_of_clusters_count_where_there_are_some() -> None:
    gate = judged("acc>=0.78", results(row(stderr_clustered=0.04)))

    # Four times 3139.55.
    assert gate["documents"] == 12559


def test_the_message_of_an_undecided_gate_says_it_all() -> None:
    gate = judged("acc>=0.77@0.95", results())

    assert gate["message"] == (
        "acc,none is 0.8, 95 % from 0.7600 to 0.8400 (n=400); the gate is "
        ">= 0.77 with confidence 0.95; the interval has the bound in it: some 1,396 "
        "documents would decide it"
    )
    assert gate["condition"] == "acc >= 0.77 @ 0.95"
    assert (gate["n"], gate["interval"], gate["level"]) == (400, (0.76, 0.84), 0.95)


def test_without_an_interval_a_confidence_is_not_shown() -> None:
    without = row(ci95=None, stderr=0.0, method="none: all values are equal")

    gate = judged("acc>=0.5@0.95", results(without))

    assert gate["verdict"] == "inconclusive"
    assert "there is no interval: all values are equal" in gate["message"]


def test_a_confidence_in_a_task_file_is_for_each_of_its_bounds() -> None:
    raw = [{"metric": "acc", "min": 0.7, "max": 0.82, "confidence": 0.95}]

    gates = judge_all(gates_of_task("sums", raw), results(), {})

    assert [gate["verdict"] for gate in gates] == ["pass", "inconclusive"]


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [("coverage>=0.99", "pass"), ("coverage>=1", "fail"), ("acc>=0", "fail")],
)
def test_coverage_may_be_gated_and_is_all_that_stands_with_errors(
    condition: str, verdict: str
) -> None:
    found = results(counts={"scored": 397, "errors": 3})

    gate = judged(condition, found)

    assert gate["verdict"] == verdict
    if condition.startswith("coverage"):
        assert (gate["value"], gate["n"]) == (397 / 400, 400)


def test_coverage_of_a_broken_run_does_not_pass() -> None:
    gate = judged("coverage>=0.5", results(complete=False))

    assert (gate["verdict"], gate["message"]) == ("fail", "the run is not complete")


LATENCY = {
    "requests": 400,
    "mean_s": 1.5,
    "p95_s": 2.5,
    "method": "nearest rank",
    "ttft": {"requests": 390, "p95_s": 0.5},
}


@pytest.mark.parametrize(
    ("condition", "verdict", "value", "n"),
    [
        ("latency.p95_s<=2.5", "pass", 2.5, 400),
        ("latency.p95_s<=2", "fail", 2.5, 400),
        ("latency.ttft.p95_s<1", "pass", 0.5, 390),
        ("usage.output_tokens<=1e4", "fail", 12000.0, 399),
        ("throughput.documents_per_s>=2", "pass", 4.0, 0),
    ],
)
def test_what_the_whole_run_tells_may_be_gated(
    condition: str, verdict: str, value: float, n: int
) -> None:
    found = results(
        latency=LATENCY,
        usage={"documents_with_counts": 399, "output_tokens": 12000},
        throughput={"documents_per_s": 4.0, "output_tokens_per_s": None},
    )

    gate = judged(condition, found)

    assert (gate["task"], gate["verdict"]) == ("", verdict)
    assert (gate["value"], gate["n"]) == (value, n)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("latency.p59_s<=9", "no 'latency.p59_s'; did you mean 'latency.p95_s'?"),
        ("throughput.output_tokens_per_s>=0", "the run has no 'throughput.output_"),
        ("sums:latency.p95_s<=9", "is of the whole run"),
        ("latency.method<=9", "the run has no 'latency.method'"),
    ],
)
def test_a_figure_of_the_run_that_is_not_there_fails(
    condition: str, message: str
) -> None:
    found = results(latency=LATENCY, throughput={"output_tokens_per_s": None})

    gate = judged(condition, found)

    assert gate["verdict"] == "fail"
    assert message in gate["message"]


def test_errors_fail_a_gate_on_the_run_since_their_times_are_not_in_it() -> None:
    gate = judged("latency.p95_s<=9", results(latency=LATENCY, counts={"scored": 1}))

    assert gate["verdict"] == "fail"
    assert gate["message"].startswith("only 1 of 400 documents of 'sums' have a score")


def test_a_run_of_a_part_leaves_gates_on_it_inconclusive() -> None:
    gate = judged("latency.p95_s<=1", results(latency=LATENCY), sums="5 of 400")

    assert (gate["verdict"], gate["message"]) == (
        "inconclusive",
        "not judged: 5 of 400",
    )


def test_where_all_are_right_the_interval_tells_how_many_are_needed() -> None:
    # Wilson's of 60 of 60 begins at 60 / (60 + 1.959964^2) = 0.939828.
    right = row(value=1.0, stderr=0.0, ci95=(0.939828, 1.0), n=60)

    gate = judged("acc>=0.95", results(right))

    # An error of 0.060172 / (2 * 1.959964) = 0.015350, of a document 0.118902; 7.848880
    # times (0.118902 / 0.05)^2 is 44.39. Such an interval shrinks faster than others,
    # so the number is rough.
    assert (gate["verdict"], gate["documents"]) == ("pass", 45)


def test_no_number_of_documents_tells_a_figure_from_itself() -> None:
    gate = judged("acc>=0.8@0.95", results())

    assert (gate["verdict"], gate["documents"]) == ("inconclusive", None)
    assert gate["message"].endswith("the interval has the bound in it")


@pytest.mark.parametrize(
    ("condition", "partial", "unproven"),
    [
        ("acc>=0.77@0.95", {}, True),
        ("acc>=0.85@0.95", {}, False),
        ("acc>=0.75@0.95", {}, False),
        ("acc>=0.78", {}, False),
        ("acc>=0.77@0.95", {"sums": "3 of 9 were selected"}, False),
        # There is no interval of this level.
        ("acc>=0.5@0.99", {}, True),
    ],
)
def test_a_confidence_that_all_documents_do_not_give_is_unproven(
    condition: str, partial: dict[str, str], unproven: bool
) -> None:
    gate = judged(condition, results(row()), **partial)

    assert gate.get("unproven", False) is unproven


@pytest.mark.parametrize(
    ("verdict", "unproven", "failing"),
    [
        # By default, with warn, with fail.
        ("pass", False, (False, False, False)),
        ("fail", False, (True, True, True)),
        ("inconclusive", False, (False, False, True)),
        ("inconclusive", True, (True, False, True)),
    ],
)
def test_what_an_inconclusive_gate_does_to_its_run(
    verdict: str, unproven: bool, failing: tuple[bool, bool, bool]
) -> None:
    gate = judged("acc>=0.5", results(row()))
    changed = cast("GateDict", {**gate, "verdict": verdict, "unproven": unproven})

    found = [is_failing(changed, said) for said in (None, "warn", "fail")]

    assert tuple(found) == failing
