from __future__ import annotations

from typing import Any

from pytest_evalkit.reports.load_sweep import sweep_lines
from pytest_evalkit.results.load_sweep import sweep_of
from tests.unit.results.loads import steady_load


def run(
    latency_s: float, throughput: int, score: float, *, complete: bool = True
) -> Any:
    row = {"metric": "acc", "filter": "none", "value": score, "ci95": (0.2, 0.9)}
    return {
        "complete": complete,
        "model_name": "m",
        "aggregates": {"t": [row]},
        "group_subtasks": {},
        "load": steady_load(throughput, latency_s),
    }


def test_levels_are_joined_in_rising_order() -> None:
    runs = {
        2: ("concurrency-2/m/a/results.json", run(0.5, 10, 0.75)),
        1: ("concurrency-1/m/b/results.json", run(0.25, 10, 0.5)),
    }

    sweep = sweep_of(runs, [1, 2])

    assert [one["concurrency"] for one in sweep["load_sweep"]] == [1, 2]
    assert sweep["levels"] == [1, 2]
    assert sweep["load_sweep"][1]["scores"] == {"t": {"acc,none": 0.75}}
    assert sweep["load_sweep"][1]["intervals"] == {"t": {"acc,none": (0.2, 0.9)}}
    assert sweep["load_sweep"][0]["figures"]["metrics"]["e2el_ms"]["n"] == 100
    assert sweep["complete"] is True
    assert sweep["gives_way"] is not None
    assert sweep["gives_way"]["concurrency"] == 2


def test_a_sweep_that_lacks_a_level_or_a_part_of_one_is_not_complete() -> None:
    whole = ("a", run(0.25, 10, 0.5))
    part = ("b", run(0.25, 20, 0.5, complete=False))

    assert sweep_of({1: whole}, [1, 2])["complete"] is False
    assert sweep_of({1: whole, 2: part}, [1, 2])["complete"] is False


def test_score_and_latency_stand_side_by_side() -> None:
    runs = {1: ("a", run(0.25, 10, 0.5)), 2: ("b", run(0.25, 20, 0.5))}

    lines = sweep_lines(sweep_of(runs, [1, 2]))

    heading, first, second, end = lines
    assert heading.split()[:4] == ["concurrency", "errors", "requests/s", "tokens/s"]
    assert heading.endswith("e2el_ms.p95  acc,none")
    assert first.split() == ["1", "0.0%", "9.9", "19.7", "250.0", "250.0", "0.5000"]
    assert second.split()[:2] == ["2", "0.0%"]
    assert end == "the server held at every level"


def test_scores_of_several_tasks_are_told_apart() -> None:
    level = run(0.25, 10, 0.5)
    level["aggregates"] = dict.fromkeys(("t", "u"), level["aggregates"]["t"])

    heading, *_ = sweep_lines(sweep_of({1: ("a", level)}, [1]))

    assert heading.endswith("t:acc,none  u:acc,none")
