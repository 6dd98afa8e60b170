"""The bootstrap: how far a statistic moves when its documents are drawn anew."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from pytest_evalkit.stats.mean import sample_deviation

# Replicates that share one seed, in lm-evaluation-harness and here.
_CHUNK = 1000
# Seeds of one stream; nobody draws as many thousands.
_STREAM = 1_000_003
# Positions held in memory at once, some tens of megabytes.
_BLOCK = 2_000_000


def bootstrap_error(
    statistic: Callable[[Any], Sequence[float]], size: int, iterations: int
) -> float | None:
    """Estimate a standard error by drawing documents with replacement.

    The standard deviation of the statistic over the replicates (Efron and Tibshirani
    1993, chapter 6). The draws are those of lm-evaluation-harness, which are the same
    in every run: of each thousand replicates the i-th, from zero, starts a Mersenne
    Twister at i.

    Args:
        statistic: Given an array of positions with one replicate in each row, tells the
            statistic of each.
        size: How many documents there are; at least one.
        iterations: Replicates; above a thousand only whole thousands are drawn.

    Returns:
        The standard error; None of fewer than two replicates, or where the statistic of
        one of them is not a finite number.
    """
    figures = replicates(statistic, size, iterations)
    return None if figures is None else sample_deviation(figures)


def replicates(
    statistic: Callable[[Any], Sequence[float]], size: int, iterations: int
) -> list[float] | None:
    """Tell a statistic of documents drawn anew.

    Args:
        statistic: As of ``bootstrap_error``.
        size: How many documents, or clusters, there are; at least one.
        iterations: Replicates; above a thousand only whole thousands are drawn.

    Returns:
        The statistic of each draw; None where one of them is not a finite number.
    """
    figures = [
        float(value) for rows in draws(size, iterations) for value in statistic(rows)
    ]
    return figures if all(map(math.isfinite, figures)) else None


def draws(size: int, iterations: int, *, stream: int = 0) -> Iterator[Any]:
    """Draw positions with replacement.

    Args:
        size: How many there are to draw from, and in each replicate.
        iterations: Replicates; above a thousand only whole thousands are drawn.
        stream: Draws of other streams are independent of these.

    Yields:
        Arrays of positions, one replicate in each row, in the order of the draws.
    """
    if iterations < 1:
        return
    chunk = min(_CHUNK, iterations)
    for seed in range(iterations // chunk):
        yield from _chunk(size, chunk, stream * _STREAM + seed)


def _chunk(size: int, rows: int, seed: int) -> Iterator[Any]:
    import numpy as np

    # Both generators make the same numbers of one state; this one makes many at once.
    _, state, _ = Random(seed).getstate()  # noqa: S311 - nothing is kept secret
    generator = np.random.RandomState()
    words = np.array(state[:-1], dtype=np.uint32)
    generator.set_state(("MT19937", words, state[-1], 0, 0.0))
    most = max(1, _BLOCK // size)
    for start in range(0, rows, most):
        count = min(most, rows - start)
        drawn = generator.random_sample((count, size))
        yield (drawn * size).astype(np.intp)
