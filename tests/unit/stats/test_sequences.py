from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.stats import BettingSequence, EmpiricalBernsteinSequence

RUNS = 2000
DOCUMENTS = 1000


def benchmarks(truth: float, seed: int, *, is_graded: bool = False) -> Any:
    """Draw runs of a benchmark with this mean, each in its own order."""
    import numpy as np

    scores = np.zeros(DOCUMENTS)
    scores[: round(DOCUMENTS * truth)] = 1.0
    if is_graded:
        # Halves in place of a right and a wrong one keep the mean.
        scores = np.sort(scores)
        scores[:50] = scores[-50:] = 0.5
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(scores) for _ in range(RUNS)])


def samples(truth: float, seed: int) -> Any:
    """Draw documents without end, of which some are shown."""
    import numpy as np

    rng = np.random.default_rng(seed)
    return (rng.random((RUNS, DOCUMENTS)) < truth).astype(float)


def stopped(runs: Any, bound: float, population: int | None) -> Any:
    """Stop each run as soon as it is decided; tell when, and what was said."""
    import numpy as np

    sequence = BettingSequence(bound, alpha=0.05, population=population)
    at = np.full(len(runs), runs.shape[1])
    for count in range(runs.shape[1]):
        sequence.add(runs[:, count])
        is_decided = sequence.above | sequence.below
        at[is_decided & (at == runs.shape[1])] = count + 1
    return at, sequence


@pytest.mark.parametrize("truth", [0.05, 0.5, 0.8, 0.97])
@pytest.mark.parametrize("population", [None, DOCUMENTS])
def test_looking_after_each_document_errs_no_more_than_promised(
    truth: float, population: int | None
) -> None:
    runs = samples(truth, 1) if population is None else benchmarks(truth, 1)

    _, sequence = stopped(runs, truth, population)

    # The mean is neither above nor below itself. It is the hardest case, as any other
    # bound is farther from being said on the wrong side.
    assert 0 < sequence.above.mean() <= 0.05
    assert 0 < sequence.below.mean() <= 0.05


def test_looking_at_an_ordinary_interval_errs_far_more_often() -> None:
    import numpy as np

    runs = samples(0.5, 1)

    counts = np.arange(1, DOCUMENTS + 1)
    means = runs.cumsum(axis=1) / counts
    far = abs(means - 0.5) > 1.644854 * 0.5 / np.sqrt(counts)

    assert far[:, 30:].any(axis=1).mean() > 0.3


@pytest.mark.parametrize("truth", [0.7, 0.9])
def test_ten_points_from_the_truth_most_documents_are_saved(truth: float) -> None:
    at, sequence = stopped(benchmarks(truth, 2), 0.8, DOCUMENTS)

    right = sequence.above if truth > 0.8 else sequence.below
    wrong = sequence.below if truth > 0.8 else sequence.above
    assert right.mean() == 1.0
    assert wrong.mean() <= 0.05
    assert at.mean() < 0.15 * DOCUMENTS


def test_scores_that_are_not_right_or_wrong_are_bounded_too() -> None:
    runs = benchmarks(0.6, 3, is_graded=True)

    _, sequence = stopped(runs, 0.6, DOCUMENTS)

    assert sequence.above.mean() <= 0.05
    assert sequence.below.mean() <= 0.05


@pytest.mark.parametrize("population", [None, DOCUMENTS])
def test_the_mean_hardly_ever_leaves_the_closed_form(population: int | None) -> None:
    import numpy as np

    runs = samples(0.8, 4) if population is None else benchmarks(0.8, 4)
    sequence = EmpiricalBernsteinSequence(alpha=0.05, population=population)

    for scores in runs.T:
        sequence.add(scores)

    low, high = sequence.interval
    assert np.mean((low > 0.8) | (high < 0.8)) <= 0.05
    assert np.mean(high - low) < (0.15 if population is None else 0.06)


@pytest.mark.parametrize(("bound", "pair"), [(0.499, (0, 1)), (0.501, (1, 0))])
def test_the_last_document_leaves_no_doubt(bound: float, pair: tuple[int, int]) -> None:
    sequence = BettingSequence(bound, alpha=1e-6, population=10)

    for score in pair * 5:
        assert not sequence.above
        assert not sequence.below
        sequence.add(score)

    assert bool(sequence.above) == (bound < 0.5)
    assert bool(sequence.below) == (bound > 0.5)


def test_what_the_rest_cannot_change_is_certain() -> None:
    sequence = BettingSequence(0.25, alpha=1e-6, population=10)

    for _ in range(3):
        sequence.add(1.0)

    # Three of ten are right whatever follows.
    assert sequence.above


def test_intervals_are_of_the_scale_of_the_scores() -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    scores = 60 + 20 * rng.random(400)
    closed = EmpiricalBernsteinSequence(alpha=0.05, low=0.0, high=100.0)
    betting = BettingSequence(
        np.linspace(0, 100, 2001), alpha=0.025, low=0.0, high=100.0
    )

    for score in scores:
        closed.add(score)
        betting.add(score)

    low, high = betting.interval()
    assert low < 70 < high
    assert high - low < closed.interval[1] - closed.interval[0] < 10
    assert closed.interval[0] < 70 < closed.interval[1]
    assert betting.count == closed.count == 400


def test_before_the_first_score_everything_is_possible() -> None:
    assert BettingSequence([0.25, 0.75], alpha=0.05).interval() == (0.0, 1.0)
    assert EmpiricalBernsteinSequence().interval == (0.0, 1.0)


def test_a_grid_without_the_mean_in_reach_is_too_coarse() -> None:
    sequence = BettingSequence([0.1, 0.9], alpha=0.05)

    for score in [0.0, 1.0] * 100:
        sequence.add(score)

    with pytest.raises(ValueError, match="take more of them"):
        sequence.interval()


@pytest.mark.parametrize("made", [BettingSequence, EmpiricalBernsteinSequence])
def test_what_is_out_of_range_is_refused(made: Any) -> None:
    bound = (0.5,) if made is BettingSequence else ()
    for wrong in ({"alpha": 0.0}, {"low": 1.0}, {"population": 0}):
        with pytest.raises(ValueError, match=r"between|documents"):
            made(*bound, **wrong)
    sequence = made(*bound, population=1)
    with pytest.raises(ValueError, match="from 0 to 1"):
        sequence.add(1.5)
    sequence.add(0.5)
    with pytest.raises(ValueError, match="have been added"):
        sequence.add(0.5)
