"""``evalkit baseline``: the small files that later runs are held against."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path

from pytest_evalkit.cli.runs import run_path
from pytest_evalkit.errors import OptionError
from pytest_evalkit.results.baseline_file import (
    BaselineDict,
    BaselineMetricDict,
    read_baseline_file,
    write_baseline_file,
)
from pytest_evalkit.results.baseline_update import updated
from pytest_evalkit.results.recorded import open_run

_SUFFIXES = (".yaml", ".yml", ".json")


def update(options: Namespace) -> int:
    """Take a run into a baseline file, which is made where there is none.

    Args:
        options: ``run``, ``file`` and ``task``.

    Returns:
        The exit status, 0.

    Raises:
        OptionError: The file is called otherwise than such files are.
        ResultsError: The run is narrowed, broken off or lacks scores; a figure is beyond
            its floor; or a file cannot be read or written. The baseline then stays as it
            was.
    """
    file: Path = options.file
    if file.suffix not in _SUFFIXES:
        raise OptionError(
            f"a baseline is a file called .yaml or .json, such as baselines/mme.yaml, "
            f"not {file}"
        )
    known = read_baseline_file(file) if file.exists() else None
    run = open_run(run_path(options.run))
    baseline = updated(known, run, options.task)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_baseline_file(file, baseline)
    for line in _lines(known, baseline, options.task or run.samples):
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"baseline {file}\n")
    return 0


def _lines(
    known: BaselineDict | None, baseline: BaselineDict, tasks: Iterable[str]
) -> Iterator[str]:
    """Say of each figure what it was and is."""
    before = {} if known is None else known["tasks"]
    for task in tasks:
        old = before[task]["metrics"] if task in before else {}
        for name, figure in baseline["tasks"][task]["metrics"].items():
            yield f"{task}: {name} {_change(old.get(name), figure)}"


def _change(old: BaselineMetricDict | None, new: BaselineMetricDict) -> str:
    was = "is new, " if old is None else f"was {old['value']:.6g}, is "
    floor = "no floor" if new["floor"] is None else f"floor {new['floor']:.6g}"
    return f"{was}{new['value']:.6g} (n={new['n']}), {floor}"
