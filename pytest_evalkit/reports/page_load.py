"""What the page says of the requests of a run: figures in words, and data of charts.

However many requests there were, all of it is small: counts in few steps, spans of time
and turns that are thinned out in tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.reports.load import load_warnings, load_words
from pytest_evalkit.results.schema import ResultsDict

STATISTICS = ("mean", "p50", "p90", "p95", "p99")
MOST_TURNS = 100
_MOST_ROWS = 12
_MARKS = ("p50", "p90", "p95", "p99")
# From so many milliseconds on, so many decimals.
_PLACES = ((1000, 0), (10, 1), (1, 2))
_OF_TURNS = ("ttft_ms", "e2el_ms")
_TIMES = {
    "e2el_ms": "End to end",
    "e2el_including_queue_ms": "With the wait in the client",
    "ttft_ms": "First token",
    "ttfo_ms": "First visible text",
    "itl_ms": "Between tokens",
    "tpot_ms": "Per output token",
}
_DRAWN = {
    "e2el_ms": "End-to-end latency",
    "ttft_ms": "Time to first token",
    "itl_ms": "Time between tokens",
}
_RATES = {
    "in_flight": "Requests in flight",
    "requests_per_s": "Requests per second",
    "errors_per_s": "Errors per second",
    "output_tokens_per_s": "Output tokens per second",
}

_Load = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Figures as a small table.

    Attributes:
        head: What each column is.
        rows: Texts, the first of each being the row's name.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLoad:
    """What there is to say of the requests of a run.

    Attributes:
        words: Counts and rates, a sentence each.
        warnings: What stands against the figures.
        drawn: What is drawn of single requests, by its name in results.
        times: How long requests took, in milliseconds.
        courses: What is drawn over time, by its name in results.
        over_time: The same in figures; None where there is no course.
        turns: Latency by turn; None where there were no conversations.
        is_cut: Whether there were more turns than are drawn.
    """

    words: Sequence[str]
    warnings: Sequence[str]
    drawn: Mapping[str, str]
    times: Table
    courses: Mapping[str, str]
    over_time: Table | None
    turns: Table | None
    is_cut: bool


def page_load(results: ResultsDict) -> PageLoad | None:
    """Say what the requests of a run add up to.

    Args:
        results: What the run concludes.

    Returns:
        None where fewer than two requests were timed to their end.
    """
    load: _Load = results.get("load") or {}
    drawn: _Load = load.get("distributions") or {}
    if "e2el_ms" not in drawn:
        return None
    course: _Load = load.get("over_time") or {}
    by_turn = _by_turn(load)
    return PageLoad(
        words=load_words(load),
        warnings=[line.removeprefix("load").strip() for line in load_warnings(results)],
        drawn={name: words for name, words in _DRAWN.items() if name in drawn},
        times=_times(load["metrics"]),
        courses={
            name: words
            for name, words in _RATES.items()
            if name != "errors_per_s" and course.get(name)
        },
        over_time=_over_time(course) if course else None,
        turns=_turn_rows(by_turn) if by_turn else None,
        is_cut=len(by_turn) > MOST_TURNS,
    )


def load_index(results: ResultsDict) -> dict[str, Any] | None:
    """Write what the charts of a run's requests need; None where none are drawn."""
    if page_load(results) is None:
        return None
    load: _Load = results["load"]
    by_turn = _by_turn(load)
    turns = list(by_turn)[:MOST_TURNS]
    return {
        "distributions": {
            name: {
                **load["distributions"][name],
                "marks": [
                    [mark, drawable(load["metrics"][name][mark])] for mark in _MARKS
                ],
            }
            for name in _DRAWN
            if name in load["distributions"]
        },
        "over_time": {
            name: list(map(drawable, value)) if isinstance(value, list) else value
            for name, value in (load.get("over_time") or {}).items()
        },
        "turns": turns
        and {
            "turn": list(map(int, turns)),
            **{
                f"{name}_{mark}": [
                    drawable(_of(by_turn[turn], name, mark)) for turn in turns
                ]
                for name in _OF_TURNS
                for mark in ("p50", "p95")
            },
        },
    }


def drawable(value: float | None) -> float | None:
    """Write a number as exactly as a drawing shows it; None for None."""
    return None if value is None else float(f"{value:.5g}")


def _times(metrics: _Load) -> Table:
    rows = [
        (words, *(milliseconds(metrics[name][key]) for key in STATISTICS), f"{n:,}")
        for name, words in _TIMES.items()
        if (n := metrics[name]["n"])
    ]
    return Table(head=("", *STATISTICS, "n"), rows=rows)


def milliseconds(value: float | None) -> str:
    """Write milliseconds, the fewer of them the more exactly; empty for None.

    >>> milliseconds(0.0421), milliseconds(4.127), milliseconds(16.66)
    ('0.042', '4.13', '16.7')
    >>> milliseconds(12345.6), milliseconds(None)
    ('12,346', '')
    """
    if value is None:
        return ""
    places = next((n for least, n in _PLACES if value >= least), 3)
    return f"{value:,.{places}f}"


def _over_time(course: _Load) -> Table:
    """Write a row for each of some spans that are drawn, which are as long."""
    names = [name for name in _RATES if any(course.get(name) or ())]
    count, width_s = len(course["in_flight"]), course["width_s"]
    step = -(-count // _MOST_ROWS)
    # As many decimals as tell the spans apart.
    places = max(0, 2 - math.floor(math.log10(step * width_s) + 1))
    rows = []
    for start in range(0, count, step):
        end = min(count, start + step)
        values = [course[name][start:end] for name in names]
        span = f"{start * width_s:,.{places}f} to {end * width_s:,.{places}f} s"
        rows.append((span, *(f"{sum(one) / len(one):,.1f}" for one in values)))
    return Table(
        head=("Since the first request", *(_RATES[name] for name in names)), rows=rows
    )


def _by_turn(load: _Load) -> Mapping[str, dict[str, _Load]]:
    """Tell what is known of each turn, in order, by the name of a time."""
    found: _Load = load.get("conversations") or {}
    turns: dict[str, dict[str, _Load]] = {}
    for name in _OF_TURNS:
        for turn, figures in (found.get(f"{name}_by_turn") or {}).items():
            if figures["n"]:
                turns.setdefault(turn, {})[name] = figures
    # A turn may have been timed to its end alone.
    return {turn: turns[turn] for turn in sorted(turns, key=int)}


def _of(figures: Mapping[str, _Load], name: str, key: str) -> float | None:
    value: float | None = figures.get(name, {}).get(key)
    return value


def _turn_rows(by_turn: Mapping[str, dict[str, _Load]]) -> Table:
    """Write a row for each turn, or for every so many."""
    turns = list(by_turn)
    step = -(-len(turns) // _MOST_ROWS)
    keys = [(name, mark) for name in _OF_TURNS for mark in ("p50", "p95")]
    told = [
        (name, mark)
        for name, mark in keys
        if any(name in figures for figures in by_turn.values())
    ]
    return Table(
        head=("Turn", *(f"{_TIMES[name]}, {mark}" for name, mark in told), "n"),
        rows=[tuple(_turn_row(turn, by_turn[turn], told)) for turn in turns[::step]],
    )


def _turn_row(
    turn: str, figures: Mapping[str, _Load], told: Sequence[tuple[str, str]]
) -> Iterator[str]:
    yield turn
    for name, mark in told:
        yield milliseconds(_of(figures, name, mark))
    yield f"{max(one['n'] for one in figures.values()):,}"
