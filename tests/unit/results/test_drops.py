from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.baseline import Baseline, open_baseline
from pytest_evalkit.results.drops import Drops
from pytest_evalkit.results.gate_verdicts import judge_all
from pytest_evalkit.results.gates import parse_gate
from pytest_evalkit.results.recorded import open_run, read_answers
from pytest_evalkit.results.schema import GateDict, ResultsDict
from tests.unit.results.recorded_runs import conclusion, samples_of, write_recorded

SIZE = 200
# Of 200 documents the first 160 are right.
BEFORE = [float(i < 160) for i in range(SIZE)]
# Twenty of them are not any more, and four others are.
WORSE = [float(20 <= i < 164) for i in range(SIZE)]
# Three are not, and one other is.
HARDLY = [float(3 <= i < 161) for i in range(SIZE)]


def share(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def run_of(folder: Path, values: Sequence[float], **changes: Any) -> Path:
    facts = {"n": len(values), **changes}
    return write_recorded(
        folder, samples_of(values), conclusion(share(values), **facts)
    )


def judged(condition: str, run: Path, baseline: Baseline | str | None) -> GateDict:
    opened = open_run(run)
    results = cast("ResultsDict", opened.results)
    drops = None
    if baseline is not None:
        drops = Drops(
            baseline,
            opened,
            lambda task: read_answers(opened.samples[task]),
            lambda _run, _task, _metric: "nobody knows",
        )
    (gate,) = judge_all([parse_gate(condition)], results, {}, drops)
    return gate


@pytest.fixture
def before(tmp_path: Path) -> Baseline:
    return open_baseline(run_of(tmp_path / "before", BEFORE))


@pytest.mark.parametrize(
    ("condition", "values", "verdict"),
    [
        # A drop of 16 / 200, of 20 lost and 4 gained: mid-p is 0.0009.
        ("drop(acc)<=0.01", WORSE, "fail"),
        ("drop(acc)<=0.08", WORSE, "pass"),
        ("drop(acc)<=0.01@0.9995", WORSE, "inconclusive"),
        # A drop of 2 / 200, of 3 lost and 1 gained: mid-p is 0.375.
        ("drop(acc)<=0.005", HARDLY, "inconclusive"),
        ("drop(acc)<=0.01", HARDLY, "pass"),
        ("drop(acc)<=0", BEFORE, "pass"),
        ("sums:drop(acc,none)<=0.01", WORSE, "fail"),
    ],
)
def test_a_drop_fails_that_is_significant_and_larger_than_allowed(
    condition: str,
    values: Sequence[float],
    verdict: str,
    before: Baseline,
    tmp_path: Path,
) -> None:
    run = run_of(tmp_path / "after", values)

    assert judged(condition, run, before)["verdict"] == verdict


def test_the_message_of_a_drop_says_both_values_and_how_sure(
    before: Baseline, tmp_path: Path
) -> None:
    gate = judged("drop(acc)<=0.01", run_of(tmp_path / "after", WORSE), before)

    # Mid-p, of 24 that changed: twice those ways in which at most 3 are gained, which
    # are 1 + 24 + 276 + 2024, and once those of 4, over all.
    assert gate["p_value"] == pytest.approx((2 * 2325 + 10626) / 2**24)
    assert gate["value"] == pytest.approx(0.08)
    assert gate["baseline"] == pytest.approx(0.8)
    assert gate["n"] == SIZE
    assert gate["interval"] is not None
    assert 0 < gate["interval"][0] < 0.08 < gate["interval"][1]
    assert (
        "acc,none was 0.8 and is 0.72: a drop of 0.08, 95 % from 0.0"
        in (gate["message"])
    )
    assert "p = 0.0009 (n=200, mcnemar mid-p); the gate is <= 0.01" in gate["message"]


def test_an_undecided_drop_says_how_many_documents_would_decide_it(
    before: Baseline, tmp_path: Path
) -> None:
    gate = judged("drop(acc)<=0.005", run_of(tmp_path / "after", HARDLY), before)

    # Differences: 3 of -1, 1 of 1; their variance is (4 - 200 * 0.01^2) / 199, and
    # 7.848880 times that over 0.01^2 is 1569.0.
    variance = (4 - 200 * 0.01**2) / 199
    assert gate["documents"] == int(7.848880 * variance / 0.01**2) + 1
    assert "the drop is not significant: some 1,5" in gate["message"]


def test_a_rise_is_no_drop(before: Baseline, tmp_path: Path) -> None:
    better = run_of(tmp_path / "after", [1.0] * SIZE)

    gate = judged("drop(acc)<=0", better, before)

    assert gate["verdict"] == "pass"
    assert gate["value"] == pytest.approx(-0.2)


def test_of_an_error_rate_a_rise_is_the_drop(tmp_path: Path) -> None:
    changes = {"higher_is_better": False}
    first = open_baseline(run_of(tmp_path / "a", WORSE, **changes))
    second = run_of(tmp_path / "b", BEFORE, **changes)

    gate = judged("drop(acc)<=0.01", second, first)

    assert gate["verdict"] == "fail"
    assert gate["value"] == pytest.approx(0.08)


def test_p_values_are_adjusted_over_the_drops_of_a_run(
    before: Baseline, tmp_path: Path
) -> None:
    opened = open_run(run_of(tmp_path / "after", WORSE))
    results = cast("ResultsDict", opened.results)
    both = ["drop(acc)<=0.01", "sums:drop(acc)<=0.02"]
    drops = Drops(
        before,
        opened,
        lambda task: read_answers(opened.samples[task]),
        lambda _run, _task, _metric: "nobody knows",
    )

    gates = judge_all([parse_gate(text) for text in both], results, {}, drops)

    # Twice the same figure is one test.
    assert len({gate["p_value"] for gate in gates}) == 1
    assert gates[0]["p_value"] == pytest.approx((2 * 2325 + 10626) / 2**24)


def test_without_a_baseline_a_drop_is_not_judged(tmp_path: Path) -> None:
    gate = judged("drop(acc)<=0.5", run_of(tmp_path / "after", BEFORE), None)

    assert gate["verdict"] == "inconclusive"
    assert "there is no baseline" in gate["message"]


def test_a_baseline_that_cannot_be_read_never_passes(tmp_path: Path) -> None:
    gate = judged("drop(acc)<=1", run_of(tmp_path / "after", BEFORE), "it is damaged")

    assert (gate["verdict"], gate["message"]) == ("fail", "it is damaged")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2.0}, "the version of the task is 2.0 and 1.0"),
        ({"name": "other"}, "has no task 'sums'"),
    ],
)
def test_a_baseline_of_something_else_never_passes(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    first = open_baseline(run_of(tmp_path / "a", BEFORE, **changes))

    gate = judged("drop(acc)<=1", run_of(tmp_path / "b", BEFORE), first)

    assert gate["verdict"] == "fail"
    assert message in gate["message"]


def test_a_baseline_of_some_of_the_documents_is_inconclusive(tmp_path: Path) -> None:
    first = open_baseline(run_of(tmp_path / "a", BEFORE[:100]))

    gate = judged("drop(acc)<=0.5", run_of(tmp_path / "b", BEFORE), first)

    assert gate["verdict"] == "inconclusive"
    assert "the baseline has only 100 of the 200 documents" in gate["message"]


def test_a_broken_run_is_no_baseline(tmp_path: Path) -> None:
    folder = run_of(tmp_path / "a", BEFORE)
    file = folder / "results.json"
    file.write_text(
        file.read_text().replace('"complete":true', '"complete":false'), "utf-8"
    )

    with pytest.raises(ResultsError, match="not complete"):
        open_baseline(folder)


@pytest.mark.parametrize("condition", ["drop(coverage)<=1", "drop(parse_rate)<=1"])
def test_what_is_no_metric_has_no_drop(
    condition: str, before: Baseline, tmp_path: Path
) -> None:
    gate = judged(condition, run_of(tmp_path / "after", BEFORE), before)

    assert gate["verdict"] == "fail"


def test_a_star_is_the_first_metric_of_each_task(
    before: Baseline, tmp_path: Path
) -> None:
    gate = judged("drop(*)<=0.01", run_of(tmp_path / "after", WORSE), before)

    assert gate["condition"] == "drop(acc) <= 0.01"
    assert gate["verdict"] == "fail"
