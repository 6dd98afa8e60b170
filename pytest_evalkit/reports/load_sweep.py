"""A load sweep as a table: a row for each level."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pytest_evalkit.naming import printable
from pytest_evalkit.results.load_sweep import LevelDict, SweepDict

_GAP = "  "


def sweep_lines(sweep: SweepDict) -> list[str]:
    """Show score and latency as functions of load, and where the server gives way.

    Args:
        sweep: The levels.
    """
    scores = score_names(sweep)
    titles = [*(title for title, _ in _FIGURES), *_score_titles(scores)]
    rows = [titles, *(_row(level, scores) for level in sweep["load_sweep"])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        _GAP.join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    end = sweep["gives_way"]
    if end is None:
        return [*lines, "the server held at every level"]
    told = f"the server gives way at concurrency {end['concurrency']}: {end['reason']}"
    return [*lines, told]


def _row(level: LevelDict, scores: list[tuple[str, str]]) -> list[str]:
    cells = [cell(level) for _, cell in _FIGURES]
    for task, name in scores:
        value = level["scores"].get(task, {}).get(name)
        cells.append("n/a" if value is None else f"{value:.4f}")
    return cells


def score_names(sweep: SweepDict) -> list[tuple[str, str]]:
    """List tasks and their first metrics, ``METRIC,FILTER``.

    Args:
        sweep: The levels.
    """
    first = sweep["load_sweep"][0]["scores"]
    return [(task, next(iter(values))) for task, values in first.items() if values]


def _score_titles(scores: list[tuple[str, str]]) -> list[str]:
    """Name metrics, and their tasks where there are several."""
    titles = [name if len(scores) == 1 else f"{task}:{name}" for task, name in scores]
    return [printable(title, keep="") for title in titles]


def _figure(name: str, statistic: str | None = None) -> Callable[[LevelDict], str]:
    def cell(level: LevelDict) -> str:
        figures = level["figures"]
        value = (
            figures[name] if statistic is None else figures["metrics"][name][statistic]
        )
        return "" if value is None else f"{value:,.1f}"

    return cell


def _errors(level: LevelDict) -> str:
    rate = level["figures"]["error_rate"]
    return "" if rate is None else f"{rate:.1%}"


def _columns() -> Iterator[tuple[str, Callable[[LevelDict], str]]]:
    yield "concurrency", lambda level: f"{level['concurrency']:,}"
    yield "errors", _errors
    yield "requests/s", _figure("request_throughput")
    yield "tokens/s", _figure("output_throughput")
    for name in ("ttft_ms", "itl_ms", "e2el_ms"):
        for statistic in ("p50", "p95"):
            yield f"{name}.{statistic}", _figure(name, statistic)


_FIGURES = tuple(_columns())
