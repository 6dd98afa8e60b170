"""Any aggregation on documents drawn anew, whole clusters at a time.

The function is a task's own and takes a list of values of any kind, so each draw is a
call. What is called so often may be slow, print, or have a reason to refuse.
"""

from __future__ import annotations

import io
import logging
import math
import time
import warnings
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import partial
from numbers import Real
from random import Random
from typing import Any

from pytest_evalkit.scoring.copies import Copies, labels_in, opaque_labels
from pytest_evalkit.scoring.plan import Aggregation
from pytest_evalkit.scoring.strata import drawn_by_strata, strata_of
from pytest_evalkit.stats import draws

# Values that all draws together hold: of 1,000 documents there are 500 draws.
_MOST_VALUES = 500_000
_FEWEST_DRAWS = 50
# Groups that are left out in turn; so many tell how skewed an aggregate is.
_MOST_GROUPS = 100
# Seconds that all draws may take; this only bounds what is slow beyond measure, since
# figures are not to depend on the machine.
_MOST_SECONDS = 10.0
# What cannot be called a thousand times in these seconds is timed so often.
_MANY, _TIMINGS = 1000, 3


class UnfitError(Exception):
    """An aggregation cannot be told of documents drawn anew; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrawn:
    """An aggregate of documents drawn anew.

    Attributes:
        figures: The aggregate of each draw; empty where the aggregation refuses
            documents that are drawn twice.
        without: The aggregate with each group of clusters left out in turn; empty
            where it refuses that.
        clusters: How many clusters there are.
        strata: How many categories they were drawn within; 0 where they were not.
    """

    figures: Sequence[float]
    without: Sequence[float]
    clusters: int
    strata: int = 0


def redraw(
    aggregation: Aggregation,
    values: Sequence[Any],
    clusters: Sequence[Hashable],
    iterations: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Redrawn:
    """Tell an aggregate of documents drawn anew.

    A cluster that is drawn twice is two clusters: where its values are told by a name,
    such as that of an image, the second has another. Where documents stand alone and
    the aggregation refuses them, those that share such a name are drawn together. Where
    it adds up categories, clusters are drawn within each.

    Args:
        aggregation: The function.
        values: Its values, in document order; two at least.
        clusters: What each belongs to.
        iterations: Draws; fewer where there are many documents, fifty at least.
        clock: Tells seconds.

    Raises:
        UnfitError: The aggregation refuses any other documents, takes too long, or is
            given the command line, as those are that write files.
    """
    _refuse_command_line(aggregation)
    with _silence():
        figure = partial(_figure, aggregation)
        (value,), seconds = _timed(figure, [values], clock)
        iterations = _affordable(len(values), iterations, seconds)
        second_best: Redrawn | None = None
        for keys in _groupings(values, clusters):
            grouped = grouped_by(keys, values)
            stratified = _stratified(figure, [grouped], iterations)
            if stratified is not None:
                return stratified[0]
            redrawn = _redrawn(figure, value, grouped, iterations)
            if redrawn is not None and redrawn.figures:
                return redrawn
            second_best = second_best or redrawn
    if second_best is None:
        raise UnfitError("the aggregation refuses any documents but all")
    return second_best


def redraw_pairs(
    aggregation: Aggregation,
    runs: tuple[Sequence[Any], Sequence[Any]],
    clusters: Sequence[Hashable],
    iterations: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Redrawn:
    """Tell how much a second run's aggregate is above the first's, drawn anew.

    Both are drawn at the same documents.

    Args:
        aggregation: The function.
        runs: The values of both runs at the same documents, in their order; two at
            least.
        clusters: As of ``redraw``.
        iterations: As of ``redraw``.
        clock: Tells seconds.

    Raises:
        UnfitError: As of ``redraw``.
    """
    _refuse_command_line(aggregation)
    with _silence():
        figure = partial(_figure, aggregation)
        values, seconds = _timed(figure, runs, clock)
        iterations = _affordable(2 * len(runs[0]), iterations, seconds)
        second_best: Redrawn | None = None
        for keys in _groupings(runs[0], clusters):
            both = [grouped_by(keys, run) for run in runs]
            stratified = _stratified(figure, both, iterations)
            if stratified is not None:
                return _between(*stratified)
            first, second = (
                _redrawn(figure, value, grouped, iterations)
                for value, grouped in zip(values, both, strict=True)
            )
            if first is None or second is None:
                continue
            differences = _between(first, second)
            if differences.figures:
                return differences
            second_best = second_best or differences
    if second_best is None or not second_best.without:
        raise UnfitError("the aggregation refuses any documents but all")
    return second_best


def _refuse_command_line(aggregation: Aggregation) -> None:
    if isinstance(aggregation, partial) and "args" in aggregation.keywords:
        raise UnfitError(
            "the aggregation takes the command line, so it may write files"
        )


def _between(first: Redrawn, second: Redrawn) -> Redrawn:
    """Subtract, where both runs have what is to be subtracted."""
    figures, without = (
        [other - one for one, other in zip(ours, theirs, strict=True)]
        if len(ours) == len(theirs)
        else []
        for ours, theirs in (
            (first.figures, second.figures),
            (first.without, second.without),
        )
    )
    return Redrawn(
        figures=figures,
        without=without,
        clusters=first.clusters,
        strata=first.strata,
    )


def _stratified(
    figure: Callable[[Sequence[Any]], float],
    runs: Sequence[Sequence[Sequence[Any]]],
    iterations: int,
) -> list[Redrawn] | None:
    """Draw clusters within the categories that an aggregation adds up.

    None where it adds up none, or refuses what was drawn.

    Raises:
        UnfitError: A category has one cluster.
    """
    try:
        parted = [strata_of(figure, clusters) for clusters in runs]
    except UnfitError:
        return None
    strata = [each for each in parted if each is not None]
    if len(strata) < len(runs) or len({_sizes(each) for each in strata}) > 1:
        return None
    if min(_sizes(strata[0])) < len(("one", "another")):
        raise UnfitError(
            "a category of one cluster does not tell how clusters differ, and the "
            "aggregate adds up categories"
        )
    try:
        drawn = drawn_by_strata([figure] * len(runs), strata, iterations)
    except UnfitError:
        return None
    return [
        Redrawn(
            figures=figures, without=(), clusters=len(runs[0]), strata=len(strata[0])
        )
        for figures in drawn
    ]


def _sizes(strata: Sequence[Sequence[Any]]) -> tuple[int, ...]:
    return tuple(len(own) for own in strata)


def _groupings(
    values: Sequence[Any], clusters: Sequence[Hashable]
) -> Iterator[Sequence[Hashable]]:
    """Tell how to group values: as is told, and else by the names that they share."""
    yield clusters
    if len(set(clusters)) == len(values):
        yield from labels_in(values)


def grouped_by(keys: Sequence[Hashable], values: Sequence[Any]) -> list[list[Any]]:
    """Put values of equal keys together, in order of the first of each."""
    groups: dict[Hashable, list[Any]] = {}
    for value, key in zip(values, keys, strict=True):
        groups.setdefault(key, []).append(value)
    return list(groups.values())


def _redrawn(
    figure: Callable[[Sequence[Any]], float],
    value: float,
    clusters: Sequence[Sequence[Any]],
    iterations: int,
) -> Redrawn | None:
    """Draw clusters; None where the aggregation refuses to lose any."""
    if len(clusters) < len(("one", "another")):
        return None
    copies = Copies(clusters, opaque_labels(clusters, figure, value))
    figures = _attempted(
        figure(copies.drawn(row))
        for rows in draws(len(clusters), iterations)
        for row in rows.tolist()
    )
    without = _attempted(_jackknife(figure, clusters))
    if not figures and not without:
        return None
    return Redrawn(figures=figures, without=without, clusters=len(clusters))


def _attempted(figures: Iterator[float]) -> list[float]:
    """List figures; none where the aggregation refuses one."""
    try:
        return list(figures)
    except UnfitError:
        return []


def _jackknife(
    figure: Callable[[Sequence[Any]], float], clusters: Sequence[Sequence[Any]]
) -> Iterator[float]:
    """Leave out groups of clusters, put together by lot, in turn."""
    count = min(len(clusters), _MOST_GROUPS)
    order = list(range(len(clusters)))
    Random(0).shuffle(order)  # noqa: S311 - nothing is kept secret
    for first in range(count):
        left_out = set(order[first::count])
        yield figure(
            [
                value
                for position, own in enumerate(clusters)
                if position not in left_out
                for value in own
            ]
        )


def _timed(
    figure: Callable[[Sequence[Any]], float],
    runs: Sequence[Sequence[Any]],
    clock: Callable[[], float],
) -> tuple[list[float], float]:
    """Tell the aggregate of each run, and how long that takes.

    What looks slow is timed again, since a machine at work makes anything slow at times.
    """
    values: list[float] = []
    fastest = math.inf
    for _ in range(_TIMINGS):
        started = clock()
        values = [figure(run) for run in runs]
        fastest = min(fastest, clock() - started)
        if fastest * _MANY <= _MOST_SECONDS:
            break
    return values, fastest


def _affordable(size: int, iterations: int, seconds: float) -> int:
    """Tell how many draws there is time for.

    Raises:
        UnfitError: There is no time for the fewest that would be of use.
    """
    affordable = min(iterations, max(_FEWEST_DRAWS, _MOST_VALUES // size))
    if affordable * seconds <= _MOST_SECONDS:
        return affordable
    if _FEWEST_DRAWS * seconds <= _MOST_SECONDS:
        return min(affordable, _FEWEST_DRAWS)
    raise UnfitError(f"the aggregation takes {seconds:.1f} s, too long to be repeated")


def _figure(aggregation: Aggregation, values: Sequence[Any]) -> float:
    """Aggregate.

    Raises:
        UnfitError: What comes out is no number, or the function raises.
    """
    try:
        value = aggregation(list(values))
    # The function may be the task's own and raise anything.
    except Exception as error:
        raise UnfitError(f"{type(error).__name__}: {error}") from error
    if not isinstance(value, Real) or not math.isfinite(value):
        raise UnfitError(f"{value!r} is no number")
    return float(value)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep a function quiet that is called a thousand times."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
