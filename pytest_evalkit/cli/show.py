"""``evalkit show``: what a finished run concluded, on the terminal."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TextIO

from pytest_evalkit.cli.runs import run_path
from pytest_evalkit.naming import printable
from pytest_evalkit.reports import (
    budget_lines,
    cache_lines,
    gate_lines,
    markdown_summary,
    path_lines,
    results_table,
)
from pytest_evalkit.reports.load import load_lines, load_warnings
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.read import read_results, results_file
from pytest_evalkit.results.schema import ResultsDict
from pytest_evalkit.results.their_files import samples_pattern


def show(run: str, *, markdown: bool) -> int:
    """Print the figures, the gates and the files of a run.

    Args:
        run: The run folder, its results file, or ``last``.
        markdown: Whether to print Markdown.

    Returns:
        The exit status, 0: what the gates say was the run's own status.

    Raises:
        ResultsError: There is no such run, or its results cannot be read.
    """
    path = run_path(run)
    results = read_results(path)
    if markdown:
        text = markdown_summary(results) + "\n"
    else:
        text = terminal_text(results, path, sys.stdout)
    sys.stdout.write(text)
    return 0


def terminal_text(results: ResultsDict, path: Path, out: TextIO) -> str:
    """Write what a run concluded as a terminal shows it.

    Args:
        results: The results.
        path: The run folder, or its ``results.json``.
        out: Where it is to be shown.
    """
    color = out.isatty()
    ascii_only = not can_write(out, "↑↓±─…")
    width = shutil.get_terminal_size().columns
    complete = "" if results["complete"] else " (not complete)"
    lines = [
        f"{printable(results['model_name'], keep='')}{_origin(results)}{complete}",
        "",
        results_table(results, width, color=color, ascii_only=ascii_only),
    ]
    spent = [*budget_lines(results), *cache_lines(results)]
    if spent:
        lines += ["", *spent]
    load = [*load_lines(results), *load_warnings(results)]
    if load:
        lines += ["", *load]
    gates = gate_lines(results, color=color, ascii_only=ascii_only)
    if gates:
        lines += ["", *gates]
    lines += ["", *path_lines(_files(results_file(path)))]
    return "\n".join(lines) + "\n"


def _origin(results: ResultsDict) -> str:
    """Name the other system that wrote results; nothing of ours."""
    written_by = results.get("written_by")
    return "" if written_by is None else f" ({printable(written_by, keep='')})"


def can_write(out: TextIO, text: str) -> bool:
    """Tell whether an output knows the characters of a text."""
    try:
        text.encode(out.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _files(results_path: Path) -> dict[str, Path]:
    """Name the files of a run that are there."""
    folder = RunFolder(results_path.parent)
    files = {"results": results_path}
    if folder.report_path.is_file():
        files["report"] = folder.report_path
    theirs = samples_pattern(results_path)
    if theirs is not None:
        files["samples"] = theirs
    elif any(folder.root.glob("samples_*.jsonl")):
        files["samples"] = folder.root / "samples_*.jsonl"
    return files
