"""``evalkit load-sweep``: the same documents at rising load, and where a server gives way."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from pytest_evalkit.codec import encode_pretty
from pytest_evalkit.errors import OptionError, ResultsError
from pytest_evalkit.reports.load_sweep import sweep_lines
from pytest_evalkit.reports.sweep_page import render_sweep
from pytest_evalkit.results.folder import RunFolder, write_whole
from pytest_evalkit.results.load_sweep import SweepDict, sweep_of
from pytest_evalkit.results.read import read_results
from pytest_evalkit.results.schema import ResultsDict

_INTERRUPTED = 2
_PAGE = "report.html"
# What each level sets, or what would answer without the server.
_RESERVED = (
    *("--concurrency", "--target-concurrency", "--target_concurrency"),
    *("--load-pattern", "--load_pattern", "--max-concurrency", "--max_concurrency"),
    *("--output-path", "--output_path", "--use-cache", "--use_cache"),
    *("--resume", "--rerun-errors", "--rerun_errors", "--rescore", "--selftest"),
)


def load_sweep(options: argparse.Namespace) -> int:
    """Run pytest once for each level, and join what the runs found.

    Args:
        options: ``levels``, ``output`` (None for a new folder below ``results/``), and
            the ``arguments`` of pytest.

    Returns:
        The exit status of the first run that did not pass, else 0.

    Raises:
        OptionError: An argument is of no use here.
        ResultsError: No level left results, or they cannot be written.
    """
    arguments = _checked(options.arguments)
    folder: Path = options.output or _new_folder()
    if folder.is_dir() and any(folder.iterdir()):
        raise OptionError(f"--output {folder} is not empty; name a new folder")
    runs: dict[int, tuple[str, ResultsDict]] = {}
    status = 0
    for level in options.levels:
        sys.stdout.write(f"\nconcurrency {level}\n")
        sys.stdout.flush()
        place = folder / f"concurrency-{level}"
        ended = _run(level, place, arguments)
        status = status or ended
        found = sorted(place.glob("*/*/results.json"))
        if found:
            path = found[-1]
            runs[level] = (str(path.relative_to(folder)), read_results(path))
        if ended == _INTERRUPTED or not found:
            break
    if not runs:
        raise ResultsError("no level left results, so that there is nothing to join")
    sweep = sweep_of(runs, options.levels)
    path = folder / "load_sweep.json"
    write_whole(path, [encode_pretty(sweep)])
    page = folder / _PAGE
    write_whole(page, render_sweep(sweep, dict(_pages(folder, sweep))))
    lines = ["", *sweep_lines(sweep), f"sweep   {path}", f"report  {page}"]
    sys.stdout.write("\n".join(lines) + "\n")
    return status


def _pages(folder: Path, sweep: SweepDict) -> Iterator[tuple[int, str]]:
    """Find the page of each level's run, as an address from the sweep's."""
    for level in sweep["load_sweep"]:
        page = RunFolder((folder / level["results"]).parent).report_path
        if page.is_file():
            yield level["concurrency"], quote(page.relative_to(folder).as_posix())


def _checked(arguments: Sequence[str]) -> list[str]:
    # Some versions of argparse take the mark away, others leave it.
    given = list(arguments[1:] if arguments[:1] == ["--"] else arguments)
    if any(argument.partition("=")[0] == "--output" for argument in given):
        raise OptionError(
            "--output stands before the levels: evalkit load-sweep --output DIR 1,2,4 -- "
            "and the arguments of pytest"
        )
    for argument in given:
        name = argument.partition("=")[0]
        if name in _RESERVED:
            raise OptionError(
                f"{name} cannot be given to a sweep, which asks the same documents anew "
                "at each level; leave it out"
            )
    return given


def _new_folder() -> Path:
    now = datetime.now().astimezone()
    return Path("results") / f"load-sweep-{now:%Y%m%dT%H%M%S}"


def _run(level: int, place: Path, arguments: Sequence[str]) -> int:
    command = [sys.executable, "-m", "pytest", *arguments]
    command += ["--concurrency", str(level), "--output-path", str(place)]
    with subprocess.Popen(command) as process:  # noqa: S603 - our own interpreter
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # It got the signal as well, and has results to write.
                continue
