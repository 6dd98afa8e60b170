"""Latencies of compared runs as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_evalkit.results.latency_changes import LatencyChange

TITLES = (
    *("Latency in ms", "n", "First", "Second", "Δ", "95 % interval", "Δ %"),
    *("p", "Holm", "Verdict"),
)
"""The heads of the columns; the first and the last are of texts."""

_SURE = 0.05
_LEAST = 0.0001


def latency_rows(changes: Sequence[LatencyChange]) -> list[tuple[str, ...]]:
    """Write latencies of two runs, a row of texts for each figure.

    Args:
        changes: What changed.
    """
    return [_row(change) for change in changes]


def untested_lines(changes: Sequence[LatencyChange]) -> Iterator[str]:
    """Say why figures are not tested, a line for each reason.

    Args:
        changes: What changed.
    """
    reasons: dict[str, list[str]] = {}
    for change in changes:
        if change.adjusted_p is None:
            reasons.setdefault(change.method, []).append(change.name)
    for method, names in reasons.items():
        verb = "is" if len(names) == 1 else "are"
        yield f"{', '.join(names)} {verb} not tested: {method.removeprefix('none: ')}"


def _row(change: LatencyChange) -> tuple[str, ...]:
    difference = change.difference
    interval, (first, second) = difference.interval, change.values
    return (
        change.name,
        " / ".join(f"{count:,}" for count in dict.fromkeys(change.counts)),
        f"{first:,.1f}",
        f"{second:,.1f}",
        f"{difference.value:+,.1f}",
        "" if interval is None else f"[{interval[0]:+,.1f}, {interval[1]:+,.1f}]",
        f"{100 * difference.value / first:+.1f}" if first else "",
        _p_value(difference.p_value),
        _p_value(change.adjusted_p),
        _verdict(change),
    )


def _verdict(change: LatencyChange) -> str:
    """Say in a word what the test says at 5 %, over all times that are compared."""
    if change.adjusted_p is None:
        return "not tested"
    if change.adjusted_p >= _SURE:
        return "no difference shown"
    return "slower" if change.difference.value > 0 else "faster"


def _p_value(p: float | None) -> str:
    if p is None:
        return ""
    return f"<{_LEAST}" if p < _LEAST else f"{p:.4f}"
