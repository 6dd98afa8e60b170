"""Results as a Markdown table, for pull requests and notes."""

from __future__ import annotations

import re

from pytest_evalkit.naming import printable
from pytest_evalkit.reports.rows import Row, rows_of
from pytest_evalkit.reports.spending import budget_words, cache_words
from pytest_evalkit.results.schema import ResultsDict

_HEADING = (
    "| Task | Filter | n-shot | Metric | | n | Value | | Stderr | Coverage |\n"
    "|---|---|---:|---|:-:|---:|---:|:-:|---:|---:|"
)
_ARROWS = {True: "↑", False: "↓", None: ""}
# Markdown drops plain spaces at the beginning of a cell.
_INDENT = "&nbsp;&nbsp;"
_MARKUP = re.compile(r"[\\|*_<>`\[\]~$]")
# What becomes a link by itself, and what calls somebody where it is shown.
_ADDRESS = re.compile(r":(?=//)|(?<=\bwww)\.", re.IGNORECASE)
_CALL = re.compile(r"(?<!\w)@(?=\w)")
_MARKS = {"pass": "✅", "fail": "❌", "inconclusive": "❔"}


def markdown_table(results: ResultsDict) -> str:
    """Write the figures of a run as a table, without a newline at its end."""
    return "\n".join([_HEADING, *(_line(row) for row in rows_of(results))])


def markdown_gates(results: ResultsDict) -> str:
    """Write the gates of a run as a list; empty where there are none."""
    return "\n".join(
        f"- {_MARKS[gate['verdict']]} {markdown_text(gate['task'])}: "
        f"{_code(gate['condition'])}: {markdown_text(gate['message'])}"
        for gate in results["gates"]
    )


def markdown_summary(results: ResultsDict) -> str:
    """Write what a run concludes: model, figures, spending, errors, gates.

    No newline is at its end.
    """
    heading = f"**{markdown_text(results['model_name'])}**"
    if not results["complete"]:
        heading += " (not complete)"
    errors = "\n".join(
        f"- ⚠️ {markdown_text(task)}: {markdown_text(kind)} ({count})"
        for task, kinds in results["errors"].items()
        for kind, count in kinds.items()
    )
    parts = [
        heading,
        markdown_table(results),
        _spent(results),
        errors,
        markdown_gates(results),
    ]
    return "\n\n".join(part for part in parts if part)


def _spent(results: ResultsDict) -> str:
    """Write what became of budget and cache as a list; empty where there are none."""
    words = {"budget": budget_words(results), "cache": cache_words(results)}
    return "\n".join(f"- {name}: {said}" for name, said in words.items() if said)


def _line(row: Row) -> str:
    cells = (
        _name(row),
        markdown_text(row.pipeline),
        row.shots,
        markdown_text(row.metric),
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
    name = f"**{markdown_text(row.task)}**" if row.is_group else markdown_text(row.task)
    return _INDENT * row.depth + name


def markdown_text(text: str) -> str:
    """Write a text in one line so that it stays in its cell and means itself.

    It is no markup and no link, and calls nobody.
    """
    line = printable(" ".join(text.split()), keep="")
    escaped = _MARKUP.sub(r"\\\g<0>", line.replace("&", "&amp;"))
    return _CALL.sub("@<!-- -->", _ADDRESS.sub(r"\\\g<0>", escaped))


def _code(text: str) -> str:
    """Write a text as code: between more backticks than it has itself."""
    line = printable(" ".join(text.split()), keep="")
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    if not longest:
        return f"`{line}`"
    fence = "`" * (longest + 1)
    return f"{fence} {line} {fence}"
