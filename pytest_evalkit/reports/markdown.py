"""Results as a Markdown table, for pull requests and notes."""

from __future__ import annotations

from pytest_evalkit.reports.rows import Row, rows_of
from pytest_evalkit.results.schema import ResultsDict

_HEADING = (
    "| Task | Filter | n-shot | Metric | | n | Value | | Stderr | Coverage |\n"
    "|---|---|---:|---|:-:|---:|---:|:-:|---:|---:|"
)
_ARROWS = {True: "↑", False: "↓", None: ""}
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
        _safe(row.task) if row.is_first else "",
        _safe(row.pipeline),
        str(row.num_fewshot),
        _safe(row.metric),
        _ARROWS[row.higher_is_better],
        str(row.n),
        row.figure,
        "±" if row.spread else "",
        row.spread,
        row.coverage if row.is_first else "",
    )
    return f"| {' | '.join(cells)} |"


def _safe(text: str) -> str:
    """Write a text so that it stays within its cell and means itself."""
    for mark in "\\|*_<`[":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
