"""A load sweep as one page that needs nothing but a browser.

Every figure that is drawn stands in a table too, which needs no script.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.reports.load import client_words
from pytest_evalkit.reports.load_sweep import score_names
from pytest_evalkit.reports.page_figures import interval_text
from pytest_evalkit.reports.page_frame import PageFrame, data_block
from pytest_evalkit.reports.page_load import STATISTICS, Table, drawable, milliseconds
from pytest_evalkit.results.load_sweep import LevelDict, SweepDict

MOST_SCORES = 8
"""The most tasks whose scores are drawn; tables have all of them."""

_FRAME = PageFrame("sweep.html.jinja", ("text", "drawing", "sweep"))
_LINES = ("p50", "p90", "p95", "p99")
_TIMES = {
    "e2el_ms": "End-to-end latency",
    "ttft_ms": "Time to first token",
    "itl_ms": "Time between tokens",
}
_RATES = {
    "request_throughput": "Requests per second",
    "output_throughput": "Output tokens per second",
    "error_rate": "Requests that failed",
}
_UNITS = {"request_throughput": "Requests/s", "output_throughput": "Tokens/s"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptScore:
    """One metric of one task at rising load.

    Attributes:
        task: The task.
        metric: ``METRIC`` or, where there is a filter, ``METRIC,FILTER``.
        table: Its values and intervals, level by level.
        by_load: The id of its chart by load; None where it is not drawn.
        by_latency: The id of its chart by latency; None where it is not drawn.
    """

    task: str
    metric: str
    table: Table
    by_load: str | None
    by_latency: str | None


def render_sweep(sweep: SweepDict, pages: Mapping[int, str]) -> Iterator[bytes]:
    """Write a load sweep as a page.

    Args:
        sweep: The levels; at least one.
        pages: By level, the address of its run's own page; levels may be missing.

    Returns:
        The page, piece by piece, in UTF-8.
    """
    levels = sweep["load_sweep"]
    scores = list(_scores(sweep))
    yield _FRAME.head(
        model=sweep["model_name"],
        subtitle=_subtitle(sweep),
        is_complete=sweep["complete"],
        gives_way=sweep["gives_way"],
        rule=sweep["rule"],
        warnings=list(_warnings(sweep)),
        levels=_level_table(levels),
        pages=[pages.get(level["concurrency"]) for level in levels],
        times={
            name: (words, _times(levels, name)) for name, words in _drawn_times(levels)
        },
        rates=dict(_drawn_rates(levels)),
        scores=scores,
    )
    yield data_block(_index(sweep, scores), "index")
    yield from _FRAME.end()


def _subtitle(sweep: SweepDict) -> str:
    levels = [level["concurrency"] for level in sweep["load_sweep"]]
    tasks = list(sweep["load_sweep"][0]["scores"])
    names = tasks[0] if len(tasks) == 1 else f"{len(tasks)} tasks"
    if len(levels) == 1:
        return f"{names} · {levels[0]:,} in flight"
    return f"{names} · {len(levels)} levels, from {levels[0]:,} to {levels[-1]:,} in flight"


def _warnings(sweep: SweepDict) -> Iterator[str]:
    """Say which levels the figures lack, and where they are not the server's."""
    found = [level["concurrency"] for level in sweep["load_sweep"]]
    lacking = [f"{level:,}" for level in sweep["levels"] if level not in found]
    if lacking:
        yield f"not run: concurrency {', '.join(lacking)}"
    for level in sweep["load_sweep"]:
        where = f"concurrency {level['concurrency']:,}"
        if not level["complete"]:
            yield f"{where}: the run is not complete"
        limit = client_words(level["figures"])
        if limit is not None:
            yield f"{where}: {limit}"


def _level_table(levels: Sequence[LevelDict]) -> Table:
    """Write a row for each level: what was asked, what became of it, how fast."""
    names = [name for name, _ in _drawn_rates(levels) if name != "error_rate"]
    rows = [
        (
            f"{level['concurrency']:,}",
            f"{sum(level['figures']['n_requests'].values()):,}",
            _percent(level["figures"]["error_rate"]),
            *(_rate(level["figures"][name]) for name in names),
            f"{level['figures']['peak_concurrency']:,}",
        )
        for level in levels
    ]
    head = (
        *("Concurrency", "Requests", "Failed"),
        *(_UNITS[name] for name in names),
        "Most in flight",
    )
    return Table(head=head, rows=rows)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"


def _drawn_times(levels: Sequence[LevelDict]) -> Iterator[tuple[str, str]]:
    """Name the times that some level knows."""
    for name, words in _TIMES.items():
        if any(level["figures"]["metrics"][name]["n"] for level in levels):
            yield name, words


def _drawn_rates(levels: Sequence[LevelDict]) -> Iterator[tuple[str, str]]:
    """Name the rates that some level knows; errors where there were some."""
    for name, words in _RATES.items():
        values = [level["figures"][name] for level in levels]
        is_told = any(values) if name == "error_rate" else any(map(_is_known, values))
        if is_told:
            yield name, words


def _is_known(value: float | None) -> bool:
    return value is not None


def _times(levels: Sequence[LevelDict], name: str) -> Table:
    rows = []
    for level in levels:
        found = level["figures"]["metrics"][name]
        times = (milliseconds(found[key]) for key in STATISTICS)
        rows.append((f"{level['concurrency']:,}", *times, f"{found['n']:,}"))
    return Table(head=("Concurrency", *STATISTICS, "n"), rows=rows)


def _scores(sweep: SweepDict) -> Iterator[SweptScore]:
    """List the first metric of each task."""
    levels = sweep["load_sweep"]
    for place, (task, name) in enumerate(score_names(sweep)):
        values = [level["scores"].get(task, {}).get(name) for level in levels]
        is_drawn = place < MOST_SCORES and any(map(_is_known, values))
        rows = [
            (
                f"{level['concurrency']:,}",
                "n/a" if value is None else f"{value:.4f}",
                interval_text(_interval(level, task, name)),
                milliseconds(level["figures"]["metrics"]["e2el_ms"]["p95"]),
            )
            for level, value in zip(levels, values, strict=True)
        ]
        yield SweptScore(
            task=task,
            metric=name.removesuffix(",none"),
            table=Table(
                head=("Concurrency", "Score", "95 % interval", "Latency, p95 in ms"),
                rows=rows,
            ),
            by_load=f"chart-score-{place}" if is_drawn else None,
            by_latency=f"chart-quality-{place}" if is_drawn else None,
        )


def _interval(level: LevelDict, task: str, name: str) -> tuple[float, float] | None:
    return level["intervals"].get(task, {}).get(name)


def _index(sweep: SweepDict, scores: Sequence[SweptScore]) -> dict[str, Any]:
    """Write what the charts need, level by level."""
    levels = sweep["load_sweep"]
    end = sweep["gives_way"]
    return {
        "levels": [level["concurrency"] for level in levels],
        "gives_way": None if end is None else end["concurrency"],
        "times": {
            name: {
                line: [
                    drawable(level["figures"]["metrics"][name][line])
                    for level in levels
                ]
                for line in _LINES
            }
            for name, _ in _drawn_times(levels)
        },
        "rates": {
            name: [drawable(level["figures"][name]) for level in levels]
            for name, _ in _drawn_rates(levels)
        },
        "latency": [
            drawable(level["figures"]["metrics"]["e2el_ms"]["p95"]) for level in levels
        ],
        "scores": [
            {
                "by_load": score.by_load,
                "by_latency": score.by_latency,
                "values": [level["scores"].get(task, {}).get(name) for level in levels],
                "intervals": [_interval(level, task, name) for level in levels],
            }
            for score, (task, name) in zip(scores, score_names(sweep), strict=True)
            if score.by_load is not None
        ],
    }
