from __future__ import annotations

from typing import Any, cast

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.results.gate_verdicts import judge_all
from pytest_evalkit.results.gates import Gate, gates_of_task, parse_gate
from pytest_evalkit.results.schema import GateDict, ResultsDict


def row(metric: str = "acc", pipeline: str = "none", **changes: Any) -> Any:
    facts = {
        "metric": metric,
        "filter": pipeline,
        "value": 0.75,
        "stderr": 0.01,
        "ci95": (0.73, 0.77),
        "n": 4,
    }
    return {**facts, **changes}


def results(*rows: Any, complete: bool = True, **coverage: int) -> ResultsDict:
    counts = {"original": 9, "selected": 4, "scored": 4, "errors": 0, "skipped": 0}
    found = {
        "complete": complete,
        "aggregates": {"sums": list(rows or [row()])},
        "group_subtasks": {},
        "coverage": {"sums": {**counts, **coverage}},
    }
    return cast("ResultsDict", found)


def judged(gate: Gate, found: ResultsDict, *, partial: str | None) -> GateDict:
    reasons = {} if partial is None else {"sums": partial}
    (verdict,) = judge_all([gate], found, reasons)
    return verdict


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("acc>=0.8", (None, "acc", None, ">=", 0.8)),
        (" acc > 80 ", (None, "acc", None, ">", 80.0)),
        ("gsm8k:exact_match,strict-match<=-.5", ("gsm8k", "exact_match", "strict-match", "<=", -0.5)),
        ("a b : pass@1 , get answer < 1e3", ("a b", "pass@1", "get answer", "<", 1e3)),
    ],
)  # fmt: skip
def test_a_gate_is_read(text: str, gate: tuple[Any, ...]) -> None:
    task, metric, pipeline, comparison, bound = gate

    assert parse_gate(text) == Gate(
        task=task, metric=metric, filter=pipeline, comparison=comparison, bound=bound
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "acc",
        "acc=0.8",
        "acc===0.8",
        "acc>=",
        ">=0.8",
        "acc>=high",
        "acc>=80%",
        "acc>=nan",
        "acc>=inf",
        "a:b:acc>=1",
        "acc,>=1",
        ":acc>=1",
    ],
)
def test_a_text_that_is_no_gate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_gate(text)

    assert repr(text) in str(caught.value)
    assert "'gsm8k:exact_match>=0.8'" in str(caught.value)


def test_each_bound_in_a_task_file_is_a_gate() -> None:
    raw = [
        {"metric": "acc", "min": 0.8, "max": 1},
        {"metric": "f", "filter": "x", "max": 2},
    ]

    gates = gates_of_task("sums", raw)

    assert [(gate.task, gate.condition) for gate in gates] == [
        ("sums", "acc >= 0.8"),
        ("sums", "acc <= 1"),
        ("sums", "f,x <= 2"),
    ]


def test_a_task_file_without_gates_has_none() -> None:
    assert gates_of_task("sums", None) == ()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"metric": "acc", "min": 1}, "must be a list"),
        (["acc>=1"], "needs a metric"),
        ([{"min": 1}], "needs a metric"),
        ([{"metric": "acc"}], "needs min, max or max_drop"),
        ([{"metric": "acc", "minimum": 1}], "did you mean 'min'"),
        ([{"metric": "acc", "min": "0.8"}], "must be a number, not '0.8'"),
        ([{"metric": "acc", "min": True}], "must be a number, not True"),
        ([{"metric": "acc", "max_drop": -0.1}], "max_drop .* must be 0 or above"),
        ([{"metric": "acc", "min": 1, "confidence": 95}], "between 0 and 1"),
        ([{"metric": "acc", "confidence": 0.9}], "needs min, max or max_drop"),
    ],
)
def test_a_wrong_gate_in_a_task_file_is_refused(raw: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        gates_of_task("sums", raw)


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        ("acc>=0.75", "pass"),
        ("acc>0.75", "fail"),
        ("acc<=0.75", "pass"),
        ("acc<0.75", "fail"),
        ("sums:acc,none>=0.5", "pass"),
        ("acc>=0.76", "fail"),
    ],
)
def test_a_figure_is_held_against_the_bound(condition: str, verdict: str) -> None:
    gate = judged(parse_gate(condition), results(), partial=None)

    assert gate["verdict"] == verdict
    assert gate["value"] == 0.75


def test_the_message_says_the_figure_and_the_bound() -> None:
    gate = judged(parse_gate("acc>=0.8"), results(), partial=None)

    assert gate["message"] == (
        "acc,none is 0.75, 95 % from 0.7300 to 0.7700 (n=4); the gate is >= 0.8"
    )
    assert gate["condition"] == "acc >= 0.8"


def test_without_a_filter_the_first_is_judged_and_named() -> None:
    found = results(row(pipeline="strict", value=0.1), row(pipeline="loose"))

    gate = judged(parse_gate("acc>=0.5"), found, partial=None)

    assert (gate["verdict"], gate["filter"]) == ("fail", "strict")
    assert "the first, 'strict', is judged" in gate["message"]


def test_a_named_filter_is_judged() -> None:
    found = results(row(pipeline="strict", value=0.1), row(pipeline="loose"))

    gate = judged(parse_gate("acc,loose>=0.5"), found, partial=None)

    assert (gate["verdict"], gate["filter"]) == ("pass", "loose")


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("ac>=0", "task 'sums' has no metric 'ac'; did you mean 'acc'?"),
        ("sum:acc>=0", "no task 'sum' was run; did you mean 'sums'?"),
        ("acc,nono>=0", "has no filter 'nono'; did you mean 'none'?"),
    ],
)
def test_a_gate_on_what_is_not_there_fails(condition: str, message: str) -> None:
    gate = judged(parse_gate(condition), results(), partial="-k")

    assert gate["verdict"] == "fail"
    assert gate["value"] is None
    assert message in gate["message"]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (results(scored=3, errors=1), "only 3 of 4 documents have a score (1 in error"),
        (results(scored=2), "only 2 of 4 documents"),
        (results(scored=3, skipped=1), "1 skipped"),
        (results(complete=False), "the run is not complete"),
        (results(row(value=None, n=0)), "no document has a value"),
        (results(row(value=None, error="KeyError: 'a'")), "aggregated: KeyError: 'a'"),
    ],
)
def test_a_figure_that_cannot_be_relied_on_fails(
    found: ResultsDict, message: str
) -> None:
    gate = judged(parse_gate("acc>=0"), found, partial=None)

    assert gate["verdict"] == "fail"
    assert message in gate["message"]


@pytest.mark.parametrize(
    ("condition", "verdict", "pipeline"),
    [
        ("parse_rate>=0.95", "fail", "strict"),
        ("sums:parse_rate,strict>0.8", "pass", "strict"),
        ("parse_rate,loose>=1", "pass", "loose"),
    ],
)
def test_how_many_answers_were_found_may_be_gated_as_a_metric(
    condition: str, verdict: str, pipeline: str
) -> None:
    found = results(
        row(pipeline="strict", parse_rate=0.9),
        row("f1", pipeline="strict", parse_rate=0.5),
        row(pipeline="loose", parse_rate=1.0),
    )

    gate = judged(parse_gate(condition), found, partial=None)

    assert (gate["verdict"], gate["filter"]) == (verdict, pipeline)


def test_without_a_task_such_a_gate_is_for_all_that_tell_it() -> None:
    found = results(row(parse_rate=0.9))
    found["aggregates"]["other"] = [row()]
    found["coverage"]["other"] = found["coverage"]["sums"]

    gates = judge_all([parse_gate("parse_rate>=0.5")], found, {})

    assert [(gate["task"], gate["value"]) for gate in gates] == [("sums", 0.9)]


def test_a_task_that_does_not_tell_it_fails_such_a_gate() -> None:
    gate = judged(parse_gate("sums:parse_rate>=0"), results(), partial=None)

    assert gate["verdict"] == "fail"
    assert "has no metric 'parse_rate'" in gate["message"]


def test_a_metric_that_is_called_so_is_meant() -> None:
    found = results(row("parse_rate", value=0.1, parse_rate=0.9))

    assert judged(parse_gate("parse_rate<0.2"), found, partial=None)["value"] == 0.1


def test_a_gate_on_part_of_a_task_is_not_judged() -> None:
    reason = "-k selected 3 of 300 documents"

    gate = judged(parse_gate("acc>=0.9"), results(complete=False), partial=reason)

    assert gate["verdict"] == "inconclusive"
    assert gate["message"] == f"not judged: {reason}"


def test_a_run_of_nothing_passes_no_gate() -> None:
    found = {"complete": True, "aggregates": {}, "coverage": {}, "group_subtasks": {}}
    nothing = cast("ResultsDict", found)

    gate = judged(parse_gate("acc>=0"), nothing, partial=None)

    assert gate["verdict"] == "fail"
    assert gate["message"] == "no task has a metric 'acc'; there is none"


@pytest.mark.parametrize(
    ("text", "condition", "confidence", "is_drop"),
    [
        ("acc>=0.8@0.95", "acc >= 0.8 @ 0.95", 0.95, False),
        ("acc >= 0.8 @ 0.9", "acc >= 0.8 @ 0.9", 0.9, False),
        ("pass@1>=0.8", "pass@1 >= 0.8", None, False),
        ("drop(acc)<=0.01", "drop(acc) <= 0.01", None, True),
        ("sums:drop( acc , strict )<=1@0.99", "drop(acc,strict) <= 1 @ 0.99", 0.99, True),
        ("drop(*)<=0", "drop(*) <= 0", None, True),
        ("drop(f(x))<=0", "drop(f(x)) <= 0", None, True),
        ("dropped<=1", "dropped <= 1", None, False),
    ],
)  # fmt: skip
def test_a_confidence_and_a_drop_are_read(
    text: str, condition: str, confidence: float | None, is_drop: bool
) -> None:
    gate = parse_gate(text)

    assert gate.condition == condition
    assert (gate.confidence, gate.is_drop) == (confidence, is_drop)
    assert parse_gate(gate.condition).condition == condition


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("acc>=0.8@95", "between 0 and 1"),
        ("acc>=0.8@1", "between 0 and 1"),
        ("acc>=0.8@0", "between 0 and 1"),
        ("acc>=0.8@nan", "between 0 and 1"),
        ("acc>=0.8@high", "between 0 and 1"),
        ("drop(acc)>=0.01", "'drop\\(metric\\)<=number'"),
        ("drop(acc)<=-0.01", "0 or above"),
    ],
)
def test_a_wrong_confidence_or_drop_is_refused(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        parse_gate(text)
