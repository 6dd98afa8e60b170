from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from pytest_evalkit.results.early_gates import EarlyGate
from pytest_evalkit.results.early_stop import (
    StoppingRule,
    drawn_order,
    find_stop,
    gate_sequence,
)
from pytest_evalkit.results.gates import parse_gate
from pytest_evalkit.stats import wilson_interval

RUNS = 2000


def gate_of(text: str, low: float = 0.0, high: float = 1.0) -> EarlyGate:
    gate = replace(parse_gate(text), task="sums", filter="none")
    return EarlyGate(gate=gate, low=low, high=high)


def shuffled(right: int, size: int, seed: int = 1) -> Any:
    """Draw runs of a benchmark with so many right answers, each in its own order."""
    import numpy as np

    rng = np.random.default_rng(seed)
    scores = np.zeros(size)
    scores[:right] = 1.0
    return np.stack([rng.permutation(scores) for _ in range(RUNS)])


def ended(runs: Any, gate: EarlyGate) -> tuple[Any, Any]:
    """Stop each run as soon as its gate is decided; tell what was said, and when."""
    import numpy as np

    size = runs.shape[1]
    sequence = gate_sequence(gate, gate.gate.bound, size)
    said, at = np.zeros(len(runs)), np.full(len(runs), size)
    for count, scores in enumerate(runs.T, start=1):
        sequence.add(scores)
        is_new = (said == 0) & (sequence.above | sequence.below)
        if count < size:
            said[is_new] = np.where(sequence.above[is_new], 1, -1)
            at[is_new] = count
    return said, at


def scores_of(run: Sequence[float]) -> dict[int, dict[str, float]]:
    return {n: {"acc,none": float(value)} for n, value in enumerate(run)}


@pytest.mark.parametrize("right", [250, 400, 485])
def test_a_task_that_just_reaches_its_gate_hardly_ever_fails_it(right: int) -> None:
    gate = gate_of(f"acc>={right / 500}")

    said, _ = ended(shuffled(right, 500), gate)

    assert (said == -1).mean() <= 0.05


@pytest.mark.parametrize("right", [250, 400, 485])
def test_a_task_that_just_misses_its_gate_hardly_ever_passes_it(right: int) -> None:
    gate = gate_of(f"acc>={(right + 1) / 500}")

    said, _ = ended(shuffled(right, 500), gate)

    assert (said == 1).mean() <= 0.05


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_a_model_at_the_bound_hardly_ever_passes_with_a_confidence(
    confidence: float,
) -> None:
    import numpy as np

    gate = gate_of(f"acc>=0.8@{confidence}")
    runs = (np.random.default_rng(2).random((RUNS, 500)) < 0.8).astype(float)

    said, _ = ended(runs, gate)

    # What is not decided early is judged by the ordinary interval of all documents.
    late = [
        wilson_interval(float(run.mean()), 500, level=confidence)[0] >= 0.8
        for run in runs[said == 0]
    ]
    assert ((said == 1).sum() + sum(late)) / RUNS <= 1 - confidence


@pytest.mark.parametrize(
    ("size", "right", "saved"),
    [(1000, 900, 0.80), (1000, 700, 0.75), (5000, 4500, 0.95), (300, 270, 0.45)],
)
def test_a_gate_ten_points_from_the_truth_saves_documents(
    size: int, right: int, saved: float
) -> None:
    said, at = ended(shuffled(right, size), gate_of("acc>=0.8"))

    expected = 1 if right / size > 0.8 else -1
    assert (said == -expected).mean() <= 0.05
    assert (said == expected).mean() > 0.95
    assert 1 - at.mean() / size > saved


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("acc>=0.5", "pass"),
        ("acc>0.5", "pass"),
        ("acc<=0.5", "fail"),
        ("acc<0.5", "fail"),
        ("acc>=0.99@0.9", "fail"),
        ("acc<=0.99@0.9", "pass"),
    ],
)
def test_what_is_shown_is_held_against_the_gate(text: str, verdict: str) -> None:
    run = [float(n % 10 != 0) for n in range(600)]

    stop = find_stop(range(600), scores_of(run), [gate_of(text)])

    assert stop is not None
    (decided,) = stop.verdicts
    assert decided.verdict == verdict
    assert len(stop.counted) + len(stop.saved) == 600
    assert len(stop.counted) < 300
    assert decided.interval is not None
    low, high = decided.interval
    assert low < 0.9 < high
    assert not low < decided.early.gate.bound < high


def test_a_rule_stops_where_the_sequence_says() -> None:
    runs = shuffled(360, 400, seed=3)[:20]
    gate = gate_of("acc>=0.8")
    _, at = ended(runs, gate)

    stops = [find_stop(range(400), scores_of(run), [gate]) for run in runs]

    counts = [400 if stop is None else len(stop.counted) for stop in stops]
    assert counts == at.tolist()
    assert len(set(counts)) > 5


def test_where_a_task_stops_does_not_depend_on_what_ends_first() -> None:
    (run,) = shuffled(360, 400, seed=4)[:1]
    gates = [gate_of("acc>=0.8"), gate_of("acc<=0.99")]
    orders = [list(range(400)) for _ in range(3)]
    Random(0).shuffle(orders[1])
    orders[2].reverse()

    stopped = []
    for order in orders:
        rule = StoppingRule(gates, 400)
        for position in order:
            rule.add(position, [float(run[position])] * 2)
            rule.add(position, [float(run[position])] * 2)
        stopped.append(rule.stopped_at)

    assert stopped[0] is not None
    assert stopped == [stopped[0]] * 3


def test_all_gates_of_a_task_are_waited_for() -> None:
    run = [1.0] * 500
    easy, hard = gate_of("acc>=0.5"), gate_of("acc>=0.97")

    first = find_stop(range(500), scores_of(run), [easy])
    both = find_stop(range(500), scores_of(run), [easy, hard])

    assert first is not None
    assert both is not None
    assert len(first.counted) < len(both.counted)
    assert [one.verdict for one in both.verdicts] == ["pass", "pass"]


@pytest.mark.parametrize("missing", [None, "none", 7.0, float("nan")])
def test_a_document_without_a_score_in_range_is_never_passed(missing: Any) -> None:
    scores: dict[int, dict[str, Any]] = dict(scores_of([1.0] * 300))
    scores[5] = {} if missing is None else {"acc,none": missing}

    assert find_stop(range(300), scores, [gate_of("acc>=0.5")]) is None


def test_nothing_is_stopped_where_only_the_last_document_decides() -> None:
    run = [1.0, 0.0] * 5

    assert find_stop(range(10), scores_of(run), [gate_of("acc>=0.5")]) is None


def test_scores_on_a_scale_of_their_own_decide_too() -> None:
    run = [60.0 + n % 20 for n in range(500)]
    gate = gate_of("acc>=50", 0.0, 100.0)

    stop = find_stop(range(500), scores_of(run), [gate])

    assert stop is not None
    interval = stop.verdicts[0].interval
    assert interval is not None
    assert 50 <= interval[0] < 69.5 < interval[1] <= 100


def test_an_order_is_drawn_from_the_seed_and_the_task_alone() -> None:
    order = drawn_order(range(100), seed=1, task="a")

    assert order == drawn_order(reversed(range(100)), seed=1, task="a")
    assert sorted(order) == list(range(100))
    assert order != list(range(100))
    assert order != drawn_order(range(100), seed=2, task="a")
    assert order != drawn_order(range(100), seed=1, task="b")
    # A part of the documents keeps its order.
    assert drawn_order(range(50), seed=1, task="a") == [n for n in order if n < 50]


def test_an_order_puts_every_document_anywhere() -> None:
    firsts = [
        drawn_order(range(10), seed=seed, task="a").index(3) for seed in range(2000)
    ]

    counts = [firsts.count(place) for place in range(10)]
    # Chi-square of 9 degrees of freedom: above 27.9 in one of a thousand.
    assert sum((count - 200) ** 2 / 200 for count in counts) < 27.9
