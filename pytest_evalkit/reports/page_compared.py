"""Two runs in words, and their differences drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_evalkit.reports.compared_latency import TITLES, latency_rows, untested_lines
from pytest_evalkit.reports.comparison import Comparison
from pytest_evalkit.reports.page_figures import (
    Bar,
    interval_text,
    percent,
    rounded,
    subtitle_of,
)
from pytest_evalkit.reports.page_load import Table
from pytest_evalkit.results.comparison import RunComparison
from pytest_evalkit.results.latency_changes import LatencyChange
from pytest_evalkit.results.metric_change import MetricChange

_SURE = 0.05
# What the columns of latencies are called beside those of scores.
_HEADS = {"First": "A", "Second": "B", "Δ": "B \N{MINUS SIGN} A", "Δ %": "In %"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRow:
    """A difference between two runs, in words and drawn."""

    task: str
    pipeline: str
    metric: str
    higher_is_better: bool | None
    first: str
    second: str
    value: str
    interval: str
    method: str
    p_value: str
    better: str
    worse: str
    n: str
    bar: Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two runs beside each other; ``latency`` is None where it is not compared."""

    name: str
    subtitle: str
    warnings: tuple[str, ...]
    reach: tuple[str, str]
    rows: tuple[ComparedRow, ...]
    latency: Table | None
    untested: tuple[str, ...]


def compared(comparison: Comparison, tested: RunComparison) -> Compared:
    """Write down a comparison; all differences are drawn on one scale.

    Args:
        comparison: The documents of both runs.
        tested: What differs, and how surely.
    """
    reach = max(map(_reach, tested.changes), default=1.0) or 1.0
    return Compared(
        name=comparison.results["model_name"],
        subtitle=subtitle_of(comparison.results),
        warnings=(
            *(f"{each.task}: {each.message}" for each in tested.divergences),
            *tested.missing,
        ),
        reach=(_signed(f"-{rounded(reach)}"), f"+{rounded(reach)}"),
        rows=tuple(_row(change, reach) for change in tested.changes),
        latency=_latency(tested.latency),
        untested=tuple(untested_lines(tested.latency)),
    )


def _latency(changes: Sequence[LatencyChange]) -> Table | None:
    if not changes:
        return None
    rows = [tuple(map(_signed, row)) for row in latency_rows(changes)]
    return Table(
        head=("", *(_HEADS.get(title, title) for title in TITLES[1:])), rows=rows
    )


def _signed(text: str) -> str:
    """Write minus signs as wide as plus signs."""
    return text.replace("-", "\N{MINUS SIGN}")


def _reach(change: MetricChange) -> float:
    difference = change.paired.difference
    ends = difference.interval or (difference.value, difference.value)
    return max(abs(end) for end in ends)


def _row(change: MetricChange, reach: float) -> ComparedRow:
    first, second = change.values
    difference = change.paired.difference
    return ComparedRow(
        task=change.task,
        pipeline=change.filter,
        metric=change.metric,
        higher_is_better=change.higher_is_better,
        first=f"{first:.4f}",
        second=f"{second:.4f}",
        value=_signed(f"{difference.value:+.4f}"),
        interval=_signed(interval_text(difference.interval)),
        method=change.paired.method,
        p_value=_p_text(change.adjusted_p),
        better=f"{change.gained:,}",
        worse=f"{change.lost:,}",
        n=f"{change.n:,}",
        bar=_bar(change, reach),
    )


def _p_text(p_value: float | None) -> str:
    least = 0.0001
    if p_value is None:
        return ""
    return f"< {least}" if p_value < least else f"{p_value:.4f}"


def _bar(change: MetricChange, reach: float) -> Bar:
    difference = change.paired.difference
    low, high = difference.interval or (None, None)
    return Bar(
        value=_around(difference.value, reach),
        low=None if low is None else _around(low, reach),
        high=None if high is None else _around(high, reach),
        tone=_tone(change),
    )


def _around(value: float, reach: float) -> float:
    return percent(0.5 + 0.5 * value / reach)


def _tone(change: MetricChange) -> str:
    """Say which run is better where the test is sure of it."""
    if change.adjusted_p is None or change.adjusted_p >= _SURE:
        return "open"
    is_up = change.paired.difference.value > 0
    return "better" if is_up != (change.higher_is_better is False) else "worse"
