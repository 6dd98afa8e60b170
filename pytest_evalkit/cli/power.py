"""``evalkit power``: how many documents show a difference, and which one they show."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

from pytest_evalkit.cli.compare import Tasks
from pytest_evalkit.codec import encode_pretty
from pytest_evalkit.errors import OptionError, ResultsError
from pytest_evalkit.results.comparison import compare_runs
from pytest_evalkit.results.read import read_results
from pytest_evalkit.results.recorded import open_run
from pytest_evalkit.results.schema import task_names
from pytest_evalkit.stats import (
    PowerDesign,
    documents_needed,
    power_at,
    smallest_difference,
)

_TITLES = ("Task", "Metric", "n", "sd", "Power", "Smallest", "Documents")


class PowerDict(TypedDict):
    """What a number of documents shows of one metric.

    ``deviation`` is that of the difference of a document's two scores; ``power`` how
    often the effect is seen, ``smallest_difference`` what is seen with the power asked
    for, both None where no number of documents is given; ``documents_needed`` how many
    show the effect.
    """

    task: str
    metric: str
    documents: int | None
    deviation: float
    power: float | None
    smallest_difference: float | None
    documents_needed: int


def report_power(options: argparse.Namespace) -> int:
    """Print what documents show.

    Args:
        options: The options of ``evalkit power``.

    Returns:
        The exit status, 0.

    Raises:
        OptionError: An option is out of range, or there are more than two runs.
        ResultsError: A run cannot be read, or none of its metrics varies.
    """
    try:
        rows = list(_rows(options))
    except ValueError as error:
        raise OptionError(str(error)) from error
    if not rows:
        raise ResultsError(
            "no metric of what is given varies from document to document"
        )
    if options.json:
        sys.stdout.write(encode_pretty(rows).decode())
        return 0
    lines = _table(rows) if options.runs else _sentences(rows[0], options)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _rows(options: argparse.Namespace) -> Iterator[PowerDict]:
    if len(options.runs) > len(("first", "second")):
        raise OptionError("power takes deviations from one run, or from two")
    design = PowerDesign(
        alpha=options.alpha,
        power=options.power,
        deviations=(_given(options.std_a), _given(options.std_b)),
        correlation=options.correlation,
    )
    if not options.runs:
        yield _row(("", ""), options.documents, options.effect, design)
        return
    for name, documents, found in _designs(options.runs, design, options):
        count = documents if options.documents is None else options.documents
        yield _row(name, count, options.effect, found)


def _given(deviation: float | None) -> float:
    return PowerDesign().deviations[0] if deviation is None else deviation


def _designs(
    runs: Sequence[Path], design: PowerDesign, options: argparse.Namespace
) -> Iterator[tuple[tuple[str, str], int, PowerDesign]]:
    """Take deviations from runs: a score's from one, a difference's from two.

    The deviation that belongs to a standard error is its product with the root of the
    documents, whatever the aggregation and the clusters.
    """
    if len(runs) == 1:
        results = read_results(runs[0])
        for task in task_names(results):
            for row in results["aggregates"][task]:
                stderr = row.get("stderr_clustered", row["stderr"])
                if not stderr:
                    continue
                own = stderr * math.sqrt(row["n"])
                pair = tuple(
                    own if given is None else given
                    for given in (options.std_a, options.std_b)
                )
                name = (task, f"{row['metric']},{row['filter']}")
                yield name, row["n"], replace(design, deviations=(pair[0], pair[1]))
        return
    first, second = map(open_run, runs)
    (compared,) = compare_runs([first, second], Tasks(include_paths=()).find)
    for change in compared.changes:
        stderr = change.paired.difference.stderr
        if stderr:
            own = stderr * math.sqrt(change.n)
            name = (change.task, f"{change.metric},{change.filter}")
            found = replace(design, deviations=(own, 0.0), correlation=0.0)
            yield name, change.n, found


def _row(
    name: tuple[str, str], documents: int | None, effect: float, design: PowerDesign
) -> PowerDict:
    return {
        "task": name[0],
        "metric": name[1],
        "documents": documents,
        "deviation": design.deviation,
        "power": None if documents is None else power_at(documents, effect, design),
        "smallest_difference": None
        if documents is None
        else smallest_difference(documents, design),
        "documents_needed": documents_needed(effect, design),
    }


def _sentences(row: PowerDict, options: argparse.Namespace) -> Iterator[str]:
    yield (
        f"{row['documents_needed']:,} documents show a difference of "
        f"{options.effect:g} with probability {options.power:g} (alpha "
        f"{options.alpha:g}, two-sided; deviation of a difference "
        f"{row['deviation']:.4g})"
    )
    if row["documents"] is not None:
        yield (
            f"{row['documents']:,} documents show it with probability "
            f"{row['power']:.3f}; the smallest difference that they show with "
            f"probability {options.power:g} is {row['smallest_difference']:.4f}"
        )


def _table(rows: Sequence[PowerDict]) -> Iterator[str]:
    lines = [_TITLES, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (
            f"{cell:{'<' if at < len(('task', 'metric')) else '>'}{width}}"
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def _cells(row: PowerDict) -> tuple[str, ...]:
    power, smallest = row["power"], row["smallest_difference"]
    return (
        row["task"],
        row["metric"],
        str(row["documents"]),
        f"{row['deviation']:.4f}",
        "" if power is None else f"{power:.3f}",
        "" if smallest is None else f"{smallest:.4f}",
        str(row["documents_needed"]),
    )
