"""The figures of a page in words, and drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pytest_evalkit.reports.breakdown import Share
from pytest_evalkit.reports.comparison import Comparison, Difference
from pytest_evalkit.reports.page_details import plain
from pytest_evalkit.reports.rows import Row, rows_of
from pytest_evalkit.results.schema import ResultsDict, task_names

_MINUTE_S = 60
_HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A figure with its interval, drawn; all in per cent of the drawing's width.

    ``tone`` is ``better``, ``worse`` or ``open`` of a difference, and empty otherwise.
    """

    value: float
    low: float | None
    high: float | None
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A row of the table with its drawing; without one where the scale is not known."""

    row: Row
    bar: Bar | None
    interval: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something about the run, in words."""

    name: str
    value: str


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
    better: str
    worse: str
    n: str
    bar: Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two runs beside each other."""

    name: str
    matched: int
    warnings: tuple[str, ...]
    reach: tuple[str, str]
    rows: tuple[ComparedRow, ...]


def figures_of(results: ResultsDict) -> Iterator[Figure]:
    """List the figures of a run with what is drawn of them."""
    for row in rows_of(results):
        is_share = row.value is not None and 0 <= row.value <= 1
        yield Figure(
            row=row,
            bar=_bar(row.value, row.ci95) if is_share else None,
            interval=_interval(row.ci95),
        )


def share_bar(share: Share) -> Bar:
    """Draw the mean of documents of one kind, which lies between 0 and 1."""
    return _bar(share.value, share.ci95)


def _bar(value: float | None, ci95: tuple[float, float] | None) -> Bar:
    assert value is not None, "a drawing is of a value"
    low, high = ci95 or (None, None)
    return Bar(
        value=_percent(value),
        low=None if low is None else _percent(low),
        high=None if high is None else _percent(high),
    )


def _percent(share: float) -> float:
    return round(100 * min(max(share, 0.0), 1.0), 3)


def _interval(ci95: tuple[float, float] | None) -> str:
    return "" if ci95 is None else f"{_rounded(ci95[0])} to {_rounded(ci95[1])}"


def _rounded(value: float) -> str:
    """Write a figure to three decimals, a large one to one."""
    large = 100
    return f"{value:,.1f}" if abs(value) >= large else f"{value:.3f}"


def compared(comparison: Comparison) -> Compared:
    """Write down a comparison; all differences are drawn on one scale."""
    differences = comparison.differences
    reach = max(map(_reach, differences), default=1.0) or 1.0
    return Compared(
        name=comparison.results["model_name"],
        matched=comparison.matched,
        warnings=tuple(comparison.warnings()),
        reach=(_signed(f"-{_rounded(reach)}"), f"+{_rounded(reach)}"),
        rows=tuple(_compared_row(each, reach) for each in differences),
    )


def _signed(text: str) -> str:
    """Write minus signs as wide as plus signs."""
    return text.replace("-", "\N{MINUS SIGN}")


def _reach(difference: Difference) -> float:
    ends = difference.ci95 or (difference.value, difference.value)
    return max(abs(end) for end in ends)


def _compared_row(difference: Difference, reach: float) -> ComparedRow:
    first, second = difference.means
    better, worse = difference.flips
    return ComparedRow(
        task=difference.task,
        pipeline=difference.filter,
        metric=difference.metric,
        higher_is_better=difference.higher_is_better,
        first=f"{first:.4f}",
        second=f"{second:.4f}",
        value=_signed(f"{difference.value:+.4f}"),
        interval=_signed(_interval(difference.ci95)),
        better=f"{better:,}",
        worse=f"{worse:,}",
        n=f"{difference.n:,}",
        bar=_difference_bar(difference, reach),
    )


def _difference_bar(difference: Difference, reach: float) -> Bar:
    low, high = difference.ci95 or (None, None)
    return Bar(
        value=_around(difference.value, reach),
        low=None if low is None else _around(low, reach),
        high=None if high is None else _around(high, reach),
        tone=_tone(difference),
    )


def _around(value: float, reach: float) -> float:
    return _percent(0.5 + 0.5 * value / reach)


def _tone(difference: Difference) -> str:
    """Say what the interval says: one that holds 0 leaves it open."""
    if difference.ci95 is None or difference.ci95[0] <= 0 <= difference.ci95[1]:
        return "open"
    is_up = difference.value > 0
    return "better" if is_up != (difference.higher_is_better is False) else "worse"


def subtitle_of(results: ResultsDict) -> str:
    """Say in one line when the run was and how large."""
    started = datetime.fromtimestamp(results["date"], tz=UTC)
    names = task_names(results)
    selected = sum(results["coverage"][task]["selected"] for task in names)
    tasks = names[0] if len(names) == 1 else f"{len(names)} tasks"
    noun = "document" if selected == 1 else "documents"
    took = _duration(results["total_evaluation_time_seconds"])
    return f"{tasks} · {selected:,} {noun} · {started:%Y-%m-%d %H:%M} UTC · {took}"


def facts_of(results: ResultsDict) -> Iterator[Fact]:
    """Tell what the run was, and what it measured."""
    started = datetime.fromtimestamp(results["date"], tz=UTC)
    yield Fact(name="Started", value=f"{started:%Y-%m-%d %H:%M} UTC")
    yield Fact(name="Took", value=_duration(results["total_evaluation_time_seconds"]))
    counts = [results["coverage"][task] for task in task_names(results)]
    selected = sum(count["selected"] for count in counts)
    scored = sum(count["scored"] for count in counts)
    yield Fact(name="Documents scored", value=f"{scored:,} of {selected:,}")
    yield from _measured(results)
    if results["git_hash"]:
        yield Fact(name="Commit", value=results["git_hash"][:12])


def _measured(results: ResultsDict) -> Iterator[Fact]:
    """Tell what was measured, and nothing of what was not."""
    usage, speed = results["usage"], results["throughput"]
    for kind in ("input", "output", "reasoning", "cached"):
        if usage.get(f"{kind}_tokens") is not None:
            count = usage[f"{kind}_tokens"]
            yield Fact(name=f"{kind.capitalize()} tokens", value=f"{count:,}")
    if speed.get("documents_per_s") is not None:
        yield Fact(name="Documents per second", value=f"{speed['documents_per_s']:.3g}")
    if speed.get("output_tokens_per_s") is not None:
        per_s = speed["output_tokens_per_s"]
        yield Fact(name="Output tokens per second", value=f"{per_s:,.4g}")
    if results["latency"]:
        times = results["latency"]
        percentiles = " / ".join(f"{times[f'p{p}_s']:.2f}" for p in (50, 90, 99))
        yield Fact(name="Request latency p50 / p90 / p99", value=f"{percentiles} s")


def _duration(seconds: float) -> str:
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE_S)
    if seconds < _HOUR_S:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def options_of(results: ResultsDict) -> dict[str, str]:
    """List the options of the run that were given, or have a default."""
    options = results["config"].get("resolved_cli_args", {})
    return {
        name: plain(value) for name, value in options.items() if value not in (None, "")
    }


def errors_of(results: ResultsDict) -> list[Fact]:
    """List what went wrong with documents, by task, and how often."""
    return [
        Fact(name=task, value=f"{kind} ({count})")
        for task, kinds in results["errors"].items()
        for kind, count in kinds.items()
    ]
