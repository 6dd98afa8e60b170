"""Results on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_evalkit.naming import printable
from pytest_evalkit.reports.rows import Row, rows_of
from pytest_evalkit.reports.spending import budget_words, cache_words
from pytest_evalkit.results.schema import GateDict, ResultsDict, task_names

_GAP = "  "
_INDENT = "  "
_LEAST_WIDTH = 8
_STYLES = {"bold": "1", "red": "31", "green": "32", "yellow": "33"}
_VERDICT_STYLES = {"pass": "green", "fail": "red", "inconclusive": "yellow"}
_ASCII = str.maketrans({"↑": "^", "↓": "v", "±": "+-", "─": "-", "…": "~"})


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of the table.

    Attributes:
        title: Its heading.
        cell: What a row shows in it.
        is_number: Whether it is aligned to the right.
        may_shrink: Whether its text may be cut to make the table fit.
    """

    title: str
    cell: Callable[[Row], str]
    is_number: bool = False
    may_shrink: bool = False


_COLUMNS = (
    _Column("Task", lambda row: row.label(_INDENT), may_shrink=True),
    _Column("Filter", lambda row: row.pipeline, may_shrink=True),
    _Column("n-shot", lambda row: row.shots, is_number=True),
    _Column("Metric", lambda row: f"{row.metric}{_arrow(row)}", may_shrink=True),
    _Column("n", lambda row: row.count, is_number=True),
    _Column("Value", lambda row: row.figure, is_number=True),
    _Column("± Stderr", lambda row: row.spread and f"± {row.spread}"),
    _Column("Found", lambda row: row.found, is_number=True),
    _Column("Coverage", lambda row: row.coverage, is_number=True),
)


def results_table(
    results: ResultsDict, width: int, color: bool = False, ascii_only: bool = False
) -> str:
    """Draw the figures of a run as a table, without a newline at its end.

    Columns that would say nothing, and cells too long for the width, are shortened;
    numbers never are. Below the table stands why a metric has no value. Of a run that
    scored nothing it says how many answers there are.

    Args:
        results: What the run concludes.
        width: Columns of the terminal.
        color: Whether to mark headings and trouble with colours.
        ascii_only: Whether to keep to ASCII, for terminals that know no more.
    """
    if results.get("predict_only"):
        return "\n".join(_answers(results))
    rows = list(rows_of(results))
    if not rows:
        return "no task has a metric"
    columns = [column for column in _COLUMNS if _says_something(column, rows)]
    cells = _cells(columns, rows, ascii_only)
    if _excess(_widths(cells), width) > 0:
        columns = [column for column in columns if column.title != "n-shot"]
        cells = _cells(columns, rows, ascii_only)
    widths = _fitted(columns, cells, width)
    heading, *body = (_line(texts, columns, widths) for texts in cells)
    lines = [_styled(heading, "bold", color), "─" * len(heading)]
    for row, line in zip(rows, body, strict=True):
        lines.append(_styled(line, style, color) if (style := _style(row)) else line)
    return _plain("\n".join([*lines, *_problems(rows)]), ascii_only)


def _answers(results: ResultsDict) -> Iterator[str]:
    """Say how many answers were recorded where nothing was scored."""
    yield "answers were recorded and not scored (--predict-only)"
    for task in task_names(results):
        coverage = results["coverage"][task]
        line = f"{task}  {coverage.get('answered', 0)}/{coverage['selected']} answered"
        if coverage["errors"]:
            line += f", {coverage['errors']} in error"
        yield line


def _style(row: Row) -> str | None:
    if row.is_name:
        return None
    if not row.is_covered or row.error is not None:
        return "red"
    if row.missing is not None:
        return "yellow"
    return "bold" if row.is_group else None


def gate_lines(
    results: ResultsDict, color: bool = False, ascii_only: bool = False
) -> list[str]:
    """Say of each gate whether it holds, and why.

    Args:
        results: What the run concludes.
        color: Whether to colour the verdicts.
        ascii_only: Whether to keep to ASCII.
    """
    return [_plain(_gate_line(gate, color), ascii_only) for gate in results["gates"]]


def budget_lines(results: ResultsDict) -> list[str]:
    """Say what was spent of the budget; nothing where there was none.

    Args:
        results: What the run concludes.
    """
    said = budget_words(results)
    return [] if said is None else [f"budget  {said}"]


def cache_lines(results: ResultsDict) -> list[str]:
    """Say what became of the requests in the response cache; nothing without one.

    Args:
        results: What the run concludes.
    """
    said = cache_words(results)
    return [] if said is None else [f"cache   {said}"]


def baseline_lines(results: ResultsDict) -> list[str]:
    """Say where a baseline was named and no gate compares with it.

    Args:
        results: What the run concludes.
    """
    path = results["config"].get("resolved_cli_args", {}).get("baseline")
    if path is None or any("drop(" in gate["condition"] for gate in results["gates"]):
        return []
    named = f"baseline {printable(str(path))} was not looked at"
    return [f"{named}: no gate is about a drop; --max-drop X makes one"]


def resumed_lines(results: ResultsDict) -> list[str]:
    """Say what was taken from earlier sessions; nothing where the run has one.

    Args:
        results: What the run concludes.
    """
    sessions = results["sessions"]
    if len(sessions) <= 1:
        return []
    taken = sum(results["resumed"].values())
    counts = [results["coverage"][task] for task in task_names(results)]
    selected = sum(count["selected"] for count in counts)
    line = (
        f"resumed  {taken:,} of {selected:,} documents were taken from earlier sessions"
    )
    differing = [one for row in sessions for one in row["differences"]]
    return [line, *(f"resumed  although {one}" for one in dict.fromkeys(differing))]


def path_lines(paths: Mapping[str, Path]) -> list[str]:
    """Say where things were written.

    Args:
        paths: Each path by what is there, such as ``results``.
    """
    longest = max(map(len, paths), default=0)
    return [f"{name:<{longest}}  {path}" for name, path in paths.items()]


def _gate_line(gate: GateDict, color: bool) -> str:
    verdict = _styled(f"{gate['verdict']:<7}", _VERDICT_STYLES[gate["verdict"]], color)
    task = f"{gate['task']}: " if gate["task"] else ""
    said = printable(f"{task}{gate['condition']} ({gate['message']})", keep="")
    return f"gate {verdict}  {said}"


def _arrow(row: Row) -> str:
    if row.higher_is_better is None:
        return ""
    return " ↑" if row.higher_is_better else " ↓"


def _says_something(column: _Column, rows: Sequence[Row]) -> bool:
    if column.title == "n-shot":
        return any(row.num_fewshot for row in rows)
    if column.title == "Filter":
        return any(row.pipeline not in {"", "none"} for row in rows)
    if column.title == "Found":
        return any(row.parse_rate is not None and row.parse_rate < 1 for row in rows)
    return any(column.cell(row) for row in rows)


def _cells(
    columns: Sequence[_Column], rows: Sequence[Row], ascii_only: bool
) -> list[list[str]]:
    """Write the headings and the rows, each as one text a column."""
    titles = [column.title for column in columns]
    lines = [titles, *([column.cell(row) for column in columns] for row in rows)]
    return [
        [_plain(printable(text, keep=""), ascii_only) for text in line]
        for line in lines
    ]


def _widths(cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, texts)) for texts in zip(*cells, strict=True)]


def _excess(widths: Sequence[int], width: int) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1) - width


def _fitted(
    columns: Sequence[_Column], cells: Sequence[Sequence[str]], width: int
) -> list[int]:
    """Find the columns' widths: as wide as their cells, cut where that is too much."""
    widths = _widths(cells)
    shrinkable = [i for i, column in enumerate(columns) if column.may_shrink]
    for _ in range(_excess(widths, width)):
        widest = max(shrinkable, key=widths.__getitem__)
        if widths[widest] <= _LEAST_WIDTH:
            break
        widths[widest] -= 1
    return widths


def _line(
    texts: Sequence[str], columns: Sequence[_Column], widths: Sequence[int]
) -> str:
    return _GAP.join(
        f"{_cut(text, width):{'>' if column.is_number else '<'}{width}}"
        for text, column, width in zip(texts, columns, widths, strict=True)
    ).rstrip()


def _cut(text: str, width: int) -> str:
    """Shorten a text in its middle: names often differ at their end."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def _problems(rows: Sequence[Row]) -> list[str]:
    return [
        printable(
            f"{row.task}: {row.metric},{row.pipeline} has no value: {row.problem}"
        )
        for row in rows
        if row.problem is not None
    ]


def _styled(text: str, style: str, color: bool) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if color else text


def _plain(text: str, ascii_only: bool) -> str:
    if not ascii_only:
        return text
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode()
