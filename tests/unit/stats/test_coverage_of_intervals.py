"""How often intervals hold what they are to hold, by simulation.

Nominal coverage is 95 %. Each simulation is seeded, so that it says the same each time;
10,000 runs tell coverage to some 0.4 points, 2,000 to 1 point (two standard errors).
``tests/performance/coverage.py`` runs more and larger ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from scipy.stats import binom

from pytest_evalkit.stats import (
    bca_interval,
    clustered_mean,
    clustered_wilson_interval,
    draws,
    mean,
    percentile_interval,
    standard_error,
    sums_of_draws,
    t_interval,
    wilson_interval,
)

NOMINAL = pytest.approx(0.95, abs=0.01)


def covered(intervals: Iterable[tuple[float, float]], truth: float) -> float:
    return mean([float(low <= truth <= high) for low, high in intervals])


def rng() -> Any:
    import numpy as np

    return np.random.default_rng(20_261)


@pytest.mark.parametrize("size", [5, 40])
def test_t_of_normal_values(size: int) -> None:
    runs = rng().normal(0.6, 0.2, (4000, size)).tolist()

    intervals = [
        t_interval(mean(run), standard_error(run) or 0.0, size - 1) for run in runs
    ]

    assert covered(intervals, 0.6) == NOMINAL


@pytest.mark.parametrize("size", [10, 30, 300])
def test_wilson_over_all_proportions(size: int) -> None:
    # Not simulated but counted. Of one proportion coverage goes up and down with the
    # size, as only whole documents can be right; over proportions it is near its level
    # (Brown, Cai and DasGupta 2001), and never far below.
    import numpy as np

    truths = np.linspace(0.1, 0.9, 801)
    right = np.arange(size + 1)
    intervals = np.array([wilson_interval(r / size, size) for r in right.tolist()])

    coverage = np.array(
        [
            binom.pmf(right, size, p)
            @ ((intervals[:, 0] <= p) & (p <= intervals[:, 1]))
            for p in truths.tolist()
        ]
    )

    assert float(coverage.mean()) == NOMINAL
    assert coverage.min() > 0.9


def test_clusters_of_unequal_sizes() -> None:
    sizes = [1, 2, 3, 4, 5, 6, 7, 8] * 2
    clusters = [c for c, size in enumerate(sizes) for _ in range(size)]
    drawn = rng()
    shared = drawn.normal(0.0, 0.1, (4000, len(sizes)))
    own = drawn.normal(0.6, 0.2, (4000, len(clusters)))

    intervals = []
    for values in (own + shared[:, clusters]).tolist():
        found = clustered_mean(values, clusters)
        assert found is not None
        intervals.append(t_interval(found.value, found.stderr, found.freedom))

    assert covered(intervals, 0.6) == NOMINAL


def test_proportions_in_clusters() -> None:
    # Beta-binomial: documents of one cluster share how hard they are.
    clusters = [i // 4 for i in range(160)]
    drawn = rng()
    chances = drawn.beta(8, 2, (2000, 40))
    runs = (drawn.random((2000, 160)) < chances[:, clusters]).astype(float).tolist()

    intervals = []
    for values in runs:
        found = clustered_mean(values, clusters)
        assert found is not None
        intervals.append(clustered_wilson_interval(found, len(values)))

    assert covered(intervals, 0.8) == NOMINAL


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_the_bootstrap_of_a_ratio(method: str) -> None:
    # As of a word error rate: errors over words, summed over sentences. All runs share
    # the positions that are drawn.
    import numpy as np

    drawn, (runs, size) = rng(), (2000, 150)
    words = 5 + drawn.poisson(15, (size, runs))
    wrong = drawn.binomial(words, 0.2)
    rates = np.concatenate(
        [
            sums_of_draws(wrong)(rows) / sums_of_draws(words)(rows)
            for rows in draws(size, 4000)
        ]
    )
    all_wrong, all_words = wrong.sum(axis=0), words.sum(axis=0)
    without = (all_wrong - wrong) / (all_words - words)

    intervals = [
        percentile_interval(rates[:, run].tolist())
        if method == "percentile"
        else bca_interval(
            rates[:, run].tolist(),
            float(all_wrong[run] / all_words[run]),
            without[:, run].tolist(),
        )
        for run in range(runs)
    ]

    assert covered(intervals, 0.2) == NOMINAL
