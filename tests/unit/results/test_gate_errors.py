"""How often gates err, by simulation: as often as they say, at most."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import cast

from pytest_evalkit.results.baseline import Baseline
from pytest_evalkit.results.baseline_file import prompts_hash
from pytest_evalkit.results.drops import Drops
from pytest_evalkit.results.gate_verdicts import judge_all
from pytest_evalkit.results.gates import parse_gate
from pytest_evalkit.results.recorded import Answer, Answers, DocumentKey, RecordedRun
from pytest_evalkit.results.schema import ResultsDict
from pytest_evalkit.scoring import MetricSpec, spread_of
from pytest_evalkit.stats import mean

RUNS = 200
SIZE = 400


def answers_of(values: Sequence[float]) -> Answers:
    own = {
        DocumentKey(f"hash{i}", 0): Answer(
            doc_id=i,
            name=str(i),
            prompt=0,
            target=None,
            said=None,
            values={"acc": value},
            cluster=None,
            categories={},
            repeats=1,
        )
        for i, value in enumerate(values)
    }
    contents = {i: f"hash{i}" for i in range(len(values))}
    return Answers(by_filter={"none": own}, contents=contents)


def results_of(values: Sequence[float]) -> ResultsDict:
    spec = MetricSpec(
        name="acc",
        function=None,
        aggregation=mean,
        aggregation_name="mean",
        higher_is_better=True,
    )
    spread = spread_of(spec, values, mean(values), range(len(values)))
    row = {
        "metric": "acc",
        "filter": "none",
        "value": mean(values),
        "stderr": spread.stderr,
        "ci95": spread.ci95,
        "n": len(values),
        "higher_is_better": True,
    }
    count = len(values)
    counts = {"original": count, "selected": count, "scored": count, "errors": 0}
    found = {
        "complete": True,
        "aggregates": {"sums": [row]},
        "group_subtasks": {},
        "coverage": {"sums": {**counts, "skipped": 0}},
        "versions": {},
        "configs": {},
        "higher_is_better": {"sums": {"acc": True}},
    }
    return cast("ResultsDict", found)


def run_of(values: Sequence[float]) -> RecordedRun:
    return RecordedRun(
        label="run", path=Path("run"), results=results_of(values), samples={}
    )


def verdict(condition: str, before: Sequence[float], after: Sequence[float]) -> str:
    run, own, kept = run_of(after), answers_of(after), answers_of(before)
    baseline = Baseline(
        run=run_of(before), kept={"sums": kept}, prompts={"sums": prompts_hash(kept)}
    )
    drops = Drops(
        baseline, run, lambda _task: own, lambda _run, _task, _metric: "nobody knows"
    )
    assert run.results is not None
    (gate,) = judge_all([parse_gate(condition)], run.results, {}, drops)
    return gate["verdict"]


def answered(random: Random, chances: Sequence[float]) -> list[float]:
    """Answer once: some documents are always right, others now and then."""
    return [float(random.random() < chance) for chance in chances]


def simulated(condition: str, drop: float) -> Iterator[str]:
    """Judge pairs of runs, of which the second is worse by a drop, on average."""
    for seed in range(RUNS):
        random = Random(seed)
        chances = [random.betavariate(1.0, 0.5) for _ in range(SIZE)]
        scale = 1 - drop / mean(chances)
        before = answered(random, chances)
        after = answered(random, [chance * scale for chance in chances])
        yield verdict(condition, before, after)


def test_of_the_same_model_twice_at_most_five_in_a_hundred_fail() -> None:
    verdicts = Counter(simulated("drop(acc)<=0", drop=0.0))

    assert verdicts["fail"] <= 0.05 * RUNS
    # No run is exactly as the other, so that the gate had something to say.
    assert verdicts["inconclusive"] > 0.2 * RUNS


def test_a_drop_of_twice_its_error_is_caught_as_often_as_power_says() -> None:
    # Chances c of beta(1, 1/2) have c (1 - c) 2/15 on average: 1 / (1 + 1/2) is 2/3, its
    # square's mean 1 * 2 / (1.5 * 2.5) = 8/15, and 2/3 - 8/15 = 2/15. Two answers
    # differ by a variance of twice that.
    error = math.sqrt(2 * 2 / 15 / SIZE)

    verdicts = Counter(simulated("drop(acc)<=0", drop=2 * error))

    # A normal variable about 2 is above 1.96 in 51.6 of 100; three errors of 200 runs
    # are 10.6.
    assert abs(verdicts["fail"] / RUNS - 0.516) < 0.11


def test_a_large_drop_is_always_caught() -> None:
    assert set(simulated("drop(acc)<=0.01", drop=0.2)) == {"fail"}


def test_an_interval_above_a_bound_that_the_truth_is_at_is_rare() -> None:
    verdicts: Counter[str] = Counter()
    for seed in range(RUNS):
        random = Random(seed)
        values = answered(random, [0.8] * SIZE)
        results = results_of(values)
        (gate,) = judge_all([parse_gate("acc>=0.8@0.95")], results, {})
        verdicts[gate["verdict"]] += 1

    # Each side is beyond 2.5 of 100 times; three errors of 200 runs are 3.3.
    assert verdicts["pass"] <= 0.06 * RUNS
    assert verdicts["fail"] <= 0.06 * RUNS
    assert verdicts["inconclusive"] >= 0.9 * RUNS
