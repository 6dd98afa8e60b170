"""Compared runs as people read them: on a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from pytest_evalkit.codec import encode
from pytest_evalkit.naming import printable
from pytest_evalkit.reports.compared_latency import TITLES, latency_rows, untested_lines
from pytest_evalkit.reports.markdown import markdown_text
from pytest_evalkit.results.comparison import RunComparison
from pytest_evalkit.results.metric_change import Flip, MetricChange

_GAP = "  "
_LONGEST_ANSWER = 60
_LONGEST_NAME = 40
_SURE = 0.05
_ARROWS = {True: " ↑", False: " ↓", None: ""}
_ASCII = str.maketrans(
    {"↑": "^", "↓": "v", "±": "+-", "─": "-", "…": "~", "→": "->", "Δ": "d"}
)
_TITLES = (
    *("Task", "Filter", "Metric", "n", "First", "Second", "Δ", "95 % interval"),
    *("p", "Holm", "Better", "Worse", "Verdict"),
)
_TEXTS = 3


class _Cells(NamedTuple):
    """A row of the table: names, then numbers, then the verdict."""

    names: tuple[str, str, str]
    numbers: tuple[str, ...]
    verdict: str


def comparison_text(
    comparisons: Sequence[RunComparison], most_flips: int, ascii_only: bool = False
) -> str:
    """Write comparisons for a terminal, without a newline at the end.

    Args:
        comparisons: Each of a run with the first.
        most_flips: Documents to show of each metric that gained or lost some.
        ascii_only: Whether to keep to ASCII.
    """
    text = "\n\n".join(
        "\n".join(_text_lines(comparison, most_flips)) for comparison in comparisons
    )
    if not ascii_only:
        return text
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode()


def comparison_markdown(comparisons: Sequence[RunComparison], most_flips: int) -> str:
    """Write comparisons as Markdown, without a newline at the end.

    Args:
        comparisons: Each of a run with the first.
        most_flips: As of ``comparison_text``.
    """
    return "\n\n".join(
        "\n".join(_markdown_lines(comparison, most_flips)) for comparison in comparisons
    )


def _text_lines(comparison: RunComparison, most_flips: int) -> Iterator[str]:
    yield f"first   {_plain(comparison.first.label)}  ({comparison.first.path})"
    yield f"second  {_plain(comparison.second.label)}  ({comparison.second.path})"
    yield ""
    rows = [_cells(change) for change in comparison.changes]
    table = [_TITLES, *([*row.names, *row.numbers, row.verdict] for row in rows)]
    yield from _table_lines(table, _TEXTS)
    for change in comparison.changes:
        yield from _reasons(change)
    if comparison.latency:
        yield ""
        yield from _table_lines([TITLES, *latency_rows(comparison.latency)], 1)
        yield from untested_lines(comparison.latency)
    for problem in _problems(comparison):
        yield f"warning: {_plain(problem)}"
    for change in _telling(comparison):
        yield ""
        yield from _flip_lines(change, most_flips)


def _table_lines(table: Sequence[Sequence[str]], texts: int) -> Iterator[str]:
    """Write a table; its first columns are texts, as is the last."""
    kept = _kept(table)
    widths = [max(len(line[at]) for line in table) for at in kept]
    for position, line in enumerate(table):
        cells = (
            f"{line[at]:{'<' if at < texts or at == len(line) - 1 else '>'}{width}}"
            for at, width in zip(kept, widths, strict=True)
        )
        yield _GAP.join(cells).rstrip()
        if position == 0:
            yield "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))


def _kept(table: Sequence[Sequence[str]]) -> list[int]:
    """Leave out columns that say nothing: one filter, or values that do not flip."""
    rows = table[1:]
    return [
        at
        for at, title in enumerate(table[0])
        if any(row[at] for row in rows)
        and not (title == "Filter" and {row[at] for row in rows} == {"none"})
    ]


def _cells(change: MetricChange) -> _Cells:
    difference = change.paired.difference
    interval = difference.interval
    arrow = _ARROWS[change.higher_is_better]
    return _Cells(
        names=(
            _cut(_plain(change.task), _LONGEST_NAME),
            _plain(change.filter),
            f"{_cut(_plain(change.metric), _LONGEST_NAME)}{arrow}",
        ),
        numbers=(
            str(change.n),
            f"{change.values[0]:.4f}",
            f"{change.values[1]:.4f}",
            f"{difference.value:+.4f}",
            "" if interval is None else f"[{interval[0]:+.4f}, {interval[1]:+.4f}]",
            _p_value(difference.p_value),
            _p_value(change.adjusted_p),
            str(change.gained) if change.flips else "",
            str(change.lost) if change.flips else "",
        ),
        verdict=_verdict(change),
    )


def _verdict(change: MetricChange) -> str:
    """Say in a word what the test says at 5 %, over all that is compared."""
    if change.adjusted_p is None:
        return "not tested"
    if change.adjusted_p >= _SURE:
        return "no difference shown"
    gap = change.paired.difference.value
    if change.higher_is_better is None:
        return "differs"
    return "better" if (gap > 0) == change.higher_is_better else "worse"


def _p_value(p: float | None) -> str:
    if p is None:
        return ""
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"  # noqa: PLR2004 - four decimals


def _reasons(change: MetricChange) -> Iterator[str]:
    method = change.paired.method
    if method.startswith("none: "):
        reason = method.removeprefix("none: ")
        yield f"{_plain(change.task)}: {_plain(change.metric)} is not tested: {reason}"


def _problems(comparison: RunComparison) -> Iterator[str]:
    for each in comparison.divergences:
        yield f"{each.task}: {each.message}"
    yield from comparison.missing


def _telling(comparison: RunComparison) -> Iterator[MetricChange]:
    """Take the metrics whose changed documents an earlier one has not shown."""
    shown: set[tuple[str, str, str]] = set()
    for change in comparison.changes:
        flipped = {(change.task, change.filter, flip.name) for flip in change.flips}
        if not flipped <= shown:
            yield change
        shown |= flipped


def _flip_lines(change: MetricChange, most: int) -> Iterator[str]:
    yield (
        f"{_plain(change.task)}, {_plain(change.metric)},{_plain(change.filter)}: "
        f"{change.gained} better, {change.lost} worse"
    )
    for column, counts in change.by_category().items():
        told = ", ".join(
            f"{_plain(name)} +{gained} -{lost}"
            for name, (gained, lost) in counts.items()
        )
        yield f"  by {_plain(column)}: {told}"
    for flip in _shown(change, most):
        yield f"  {_sign(flip)} {_cut(_plain(flip.name), _LONGEST_NAME)}: {_answers(flip)}"
    rest = len(change.flips) - sum(1 for _ in _shown(change, most))
    if rest:
        yield f"  and {rest} more; --flips N shows more, --format json has all"


def _shown(change: MetricChange, most: int) -> Iterator[Flip]:
    """Take the first documents that got worse, then those that got better."""
    lost = [flip for flip in change.flips if not flip.is_gain]
    gained = [flip for flip in change.flips if flip.is_gain]
    half = min(len(gained), most // 2)
    yield from lost[: most - half]
    yield from gained[: most - min(len(lost), most - half)]


def _sign(flip: Flip) -> str:
    return "better" if flip.is_gain else "worse "


def _answers(flip: Flip) -> str:
    before, after = (_cut(_plain(_said(a)), _LONGEST_ANSWER) for a in flip.answers)
    target = _cut(_plain(_said(flip.target)), _LONGEST_ANSWER)
    expected = f"  (expected {target!r})" if target else ""
    return f"{before!r} → {after!r}{expected}"


def _said(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else encode(value).decode()


def _plain(text: str) -> str:
    """Write what others wrote in one line that no terminal takes for an order."""
    return printable(" ".join(text.split()), keep="")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _markdown_lines(comparison: RunComparison, most_flips: int) -> Iterator[str]:
    first, second = comparison.first, comparison.second
    yield f"**{markdown_text(second.label)}** against **{markdown_text(first.label)}**"
    yield ""
    rows = [_cells(change) for change in comparison.changes]
    table = [list(_TITLES), *([*r.names, *r.numbers, r.verdict] for r in rows)]
    yield from _markdown_table(table, _TEXTS)
    if comparison.latency:
        yield ""
        yield from _markdown_table([TITLES, *latency_rows(comparison.latency)], 1)
    problems = [r for c in comparison.changes for r in _reasons(c)]
    problems += untested_lines(comparison.latency)
    problems += [f"warning: {problem}" for problem in _problems(comparison)]
    if problems:
        yield ""
        yield from (f"- {markdown_text(problem)}" for problem in problems)
    for change in _telling(comparison):
        heading, *lines = _flip_lines(change, most_flips)
        yield ""
        yield f"<details><summary>{markdown_text(heading)}</summary>"
        yield ""
        yield from (f"- {markdown_text(line)}" for line in lines)
        yield ""
        yield "</details>"


def _markdown_table(table: Sequence[Sequence[str]], texts: int) -> Iterator[str]:
    kept = _kept(table)
    for position, line in enumerate(table):
        yield _markdown_row(line[at] for at in kept)
        if position == 0:
            marks = (":--" if at < texts else "--:" for at in kept)
            yield f"| {' | '.join(marks)} |"


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(markdown_text(cell) for cell in cells)} |"
