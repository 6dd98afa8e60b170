"""Results as a Markdown table, for pull requests and notes."""

from __future__ import annotations

from pytest_evalkit.reports.rows import Row, rows_of
from pytest_evalkit.results.schema import ResultsDict

_HEADING = (
    "| Task | Filter | n-shot | Metric | | n | Value | | Stderr | Coverage |\n"
    "|---|---|---:|---|:-:|---:|---:|:-:|---:|---:|"
)
_ARROWS = {True: "↑", False: "↓", None: ""}
# Markdown drops plain spaces at the beginning of a cell.
_INDENT = "&nbsp;&nbsp;"
_MARKS = {"pass": "✅", "fail": "❌", "skipped": "⏭️"}


def markdown_table(results: ResultsDict) -> str:
    """Write the figures of a run as a table, without a newline at its end."""
    return "\n".join([_HEADING, *(_line(row) for row in rows_of(results))])


def markdown_gates(results: ResultsDict) -> str:
    """Write the gates of a run as a list; empty where there are none."""
    return "\n".join(
        f"- {_MARKS[gate['verdict']]} {_safe(gate['task'])}: "
        f"`{gate['condition']}`: {_safe(gate['message'])}"
        for gate in results["gates"]
    )


def _line(row: Row) -> str:
    cells = (
        _name(row),
        _safe(row.pipeline),
        row.shots,
        _safe(row.metric),
        _ARROWS[row.higher_is_better],
        row.count,
        row.figure,
        "±" if row.spread else "",
        row.spread,
        row.coverage,
    )
    return f"| {' | '.join(cells)} |"


def _name(row: Row) -> str:
    """Write the name of a task or group, indented where it is within a group."""
    if not row.is_first:
        return ""
    name = f"**{_safe(row.task)}**" if row.is_group else _safe(row.task)
    return _INDENT * row.depth + name


def _safe(text: str) -> str:
    """Write a text so that it stays within its cell and means itself."""
    for mark in "\\|*_<`[":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
