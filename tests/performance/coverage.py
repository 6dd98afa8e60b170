"""How often intervals hold what they promise, by larger simulations than the tests have.

``python tests/performance/coverage.py [RUNS]`` prints a line for each interval, number of
documents and kind of score: the share of runs whose 95 % interval holds the truth. It
takes some minutes with the default of 4,000 runs; two standard errors are then 0.7
points.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from pytest_evalkit.scoring import MetricSpec, spread_of
from pytest_evalkit.scoring.aggregations import AGGREGATIONS

SIZES = (10, 30, 100, 300)
CLUSTER = 5


class Population(NamedTuple):
    """What documents are drawn from.

    Attributes:
        name: What it is.
        aggregation: The metric's.
        truth: The aggregate of all there is.
        draw: Draws the values of some documents.
        is_clustered: Whether five documents in a row share what they are of.
    """

    name: str
    aggregation: str
    truth: float
    draw: Callable[[Any, int], Sequence[Any]]
    is_clustered: bool = False


def _right(share: float) -> Callable[[Any, int], Sequence[Any]]:
    return lambda rng, size: (rng.random(size) < share).astype(float).tolist()


def _graded(rng: Any, size: int) -> Sequence[Any]:
    """Draw scores as of ANLS: most are 1, some 0, the rest between."""
    kinds = rng.random(size)
    between = rng.uniform(0.5, 1.0, size)
    scores = [
        1.0 if kind < 0.6 else 0.0 if kind < 0.8 else score
        for kind, score in zip(kinds, between, strict=True)
    ]
    return [float(score) for score in scores]


def _of_videos(rng: Any, size: int) -> Sequence[Any]:
    """Draw right and wrong: the questions on a video are as hard as it is."""
    chances = rng.beta(4, 2, -(-size // CLUSTER))
    right = rng.random(size) < [chances[i // CLUSTER] for i in range(size)]
    return [float(value) for value in right]


def _words(rng: Any, size: int) -> Sequence[Any]:
    words = 5 + rng.poisson(15, size)
    wrong = rng.binomial(words, rng.beta(1, 9, size))
    return list(zip(wrong.tolist(), words.tolist(), strict=True))


def _labels(rng: Any, size: int) -> Sequence[Any]:
    golds = rng.random(size) < 0.5
    answers = golds ^ (rng.random(size) < 0.2)
    return list(
        zip(golds.astype(int).tolist(), answers.astype(int).tolist(), strict=True)
    )


POPULATIONS = (
    Population("right, 0.5", "mean", 0.5, _right(0.5)),
    Population("right, 0.9", "mean", 0.9, _right(0.9)),
    Population("right, 0.99", "mean", 0.99, _right(0.99)),
    Population("graded", "mean", 0.6 + 0.2 * 0.75, _graded),
    Population("right, in clusters", "mean", 4 / 6, _of_videos, is_clustered=True),
    Population("word errors", "error_rate", 10.0, _words),
    Population("labels", "f1", 0.8, _labels),
    Population("graded, median", "median", 1.0, _graded),
)


def covered(population: Population, size: int, runs: int) -> tuple[float, float, str]:
    """Simulate runs.

    Returns:
        The share of intervals that hold the truth, the share of runs that have an
        interval, and how the last one was made.
    """
    import numpy as np

    rng = np.random.default_rng(size)
    aggregation = AGGREGATIONS[population.aggregation]
    metric = MetricSpec(
        name="m",
        function=None,
        aggregation=aggregation,
        aggregation_name=population.aggregation,
        higher_is_better=None,
    )
    clusters = [i // CLUSTER if population.is_clustered else i for i in range(size)]
    held, having, method = 0, 0, ""
    for _ in range(runs):
        values = population.draw(rng, size)
        spread = spread_of(metric, values, float(aggregation(values)), clusters)
        if spread.ci95 is not None:
            low, high = spread.ci95
            held += low - 1e-12 <= population.truth <= high + 1e-12
            having += 1
            method = spread.method
    return held / max(1, having), having / runs, method


def table(runs: int) -> Iterator[str]:
    """Write a line for each simulation."""
    yield f"{'scores':20} {'n':>4}  {'held':>6}  {'has one':>7}  method"
    for population in POPULATIONS:
        for size in SIZES:
            share, having, method = covered(population, size, runs)
            yield f"{population.name:20} {size:4}  {share:6.3f}  {having:7.3f}  {method}"


if __name__ == "__main__":
    for line in table(int(sys.argv[1]) if len(sys.argv) > 1 else 4000):
        print(line, flush=True)
