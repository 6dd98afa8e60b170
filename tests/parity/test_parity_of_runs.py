"""That whole runs of pytest come to the figures of lm-eval, those of groups included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import pytest_evalkit
from tests.parity import suite
from tests.parity.outcome import differences, figures, told_by_both
from tests.parity.suite import Suite

# The package under test, whichever it is, and the model of the suite.
_PATHS = (
    Path(pytest_evalkit.__file__).parents[1],
    Path(__file__).parents[2],
    os.environ.get("PYTHONPATH", ""),
)
# One task of each output type and of each kind of filter.
TASKS = (
    "own_worked_sums",
    "own_vote",
    "own_exam_written",
    "own_labelled",
    "own_mutual",
    "own_gaps",
    "own_pages",
    "real_gsm8k",
    "real_hellaswag",
    "real_wikitext",
)


def _run(parity_suite: Suite, output: Path, *names: str) -> dict[str, Any]:
    """Run task files by pytest, and read the results."""
    order = parity_suite.folder / "order.json"
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *(str(parity_suite.file(name)) for name in names),
            *("--model", "tests.parity.ours:Scripted"),
            *("--model-args", f"order={order}"),
            *("--output-path", str(output)),
        ],
        check=False,
        cwd=parity_suite.folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, _PATHS))},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (file,) = output.rglob("results.json")
    results: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return results


def _rows(results: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    """Read the figures of each task and group."""
    rows = {**results["results"], **results.get("groups", {})}
    return {name: figures(row) for name, row in rows.items()}


def test_a_run_of_several_tasks_comes_to_the_figures_of_the_reference(
    parity_suite: Suite, reference: dict[str, Any], tmp_path: Path
) -> None:
    rows = _rows(_run(parity_suite, tmp_path, *TASKS))

    theirs = {name: _rows(reference[name])[name] for name in TASKS}
    rows = {name: told_by_both(row, theirs[name]) for name, row in rows.items()}
    assert differences(rows, theirs, "results") == []


@pytest.mark.parametrize("group", suite.own_groups())
def test_a_group_comes_to_the_figures_of_the_reference(
    group: str, parity_suite: Suite, reference: dict[str, Any], tmp_path: Path
) -> None:
    results = _run(parity_suite, tmp_path, group)

    theirs = _rows(reference[group])
    rows = {
        name: told_by_both(row, theirs.get(name, {}))
        for name, row in _rows(results).items()
    }
    assert differences(rows, theirs, "results") == []
    assert results["group_subtasks"] == reference[group]["group_subtasks"]
