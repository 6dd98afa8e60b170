"""The figures of a page in words, and drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pytest_evalkit.reports.breakdown import Share
from pytest_evalkit.reports.page_details import plain
from pytest_evalkit.reports.rows import Row, rows_of
from pytest_evalkit.reports.spending import budget_words, cache_words
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


def figures_of(results: ResultsDict) -> Iterator[Figure]:
    """List the figures of a run with what is drawn of them."""
    for row in rows_of(results):
        is_share = row.value is not None and 0 <= row.value <= 1
        yield Figure(
            row=row,
            bar=_bar(row.value, row.ci95) if is_share else None,
            interval=interval_text(row.ci95),
        )


def share_bar(share: Share) -> Bar:
    """Draw the mean of documents of one kind, which lies between 0 and 1."""
    return _bar(share.value, share.ci95)


def _bar(value: float | None, ci95: tuple[float, float] | None) -> Bar:
    assert value is not None, "a drawing is of a value"
    low, high = ci95 or (None, None)
    return Bar(
        value=percent(value),
        low=None if low is None else percent(low),
        high=None if high is None else percent(high),
    )


def percent(share: float) -> float:
    """Write a share as per cent of a drawing, which it does not leave."""
    return round(100 * min(max(share, 0.0), 1.0), 3)


def interval_text(ci95: tuple[float, float] | None) -> str:
    """Write an interval; empty where there is none."""
    return "" if ci95 is None else f"{rounded(ci95[0])} to {rounded(ci95[1])}"


def rounded(value: float) -> str:
    """Write a figure to three decimals, a large one to one."""
    large = 100
    return f"{value:,.1f}" if abs(value) >= large else f"{value:.3f}"


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
    saved = sum(count.get("saved", 0) for count in counts)
    if saved:
        yield Fact(name="Documents saved by --early-stop", value=f"{saved:,}")
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
    for name, said in (
        ("Budget", budget_words(results)),
        ("Response cache", cache_words(results)),
    ):
        if said is not None:
            yield Fact(name=name, value=said)
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
