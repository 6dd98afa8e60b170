"""Whatever a file of lm-eval or lmms-eval holds is read, or refused in words."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.reports import PageRun, render_html, results_table
from pytest_evalkit.reports.table import columns_of, table_rows
from pytest_evalkit.results.comparison import compare_runs
from pytest_evalkit.results.recorded import open_run
from tests.unit.fuzzing import altered, fuzz

THEIRS = Path(__file__).parents[3] / "docs" / "examples" / "their-results"
RUNS = [THEIRS / "lm-eval" / "tiny__a", THEIRS / "lmms-eval" / "tiny__says-42"]


def look_at(folder: Path, sound: Path) -> None:
    """Do with a run all that the commands do."""
    run = open_run(folder)
    columns = columns_of(run.all_samples())
    list(table_rows(run.all_samples(), columns))
    if run.results is not None:
        assert "\x1b" not in results_table(run.results, 100)
        page = PageRun(results=run.results, samples=run.all_samples())
        assert list(render_html(page))
    compare_runs([open_run(sound), run], lambda *_: "Python", is_forced=True)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.parent.name)
@fuzz(40)
@given(st.data())
def test_results_of_any_content_are_read_or_refused(
    run: Path, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(shutil.copytree(run, Path(root, "run")))
        (file,) = folder.glob("*.json")
        value = data.draw(altered(json.loads(file.read_text("utf-8"))))
        file.write_text(json.dumps(value), encoding="utf-8")

        refused(folder, run)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.parent.name)
@fuzz(40)
@given(st.data())
def test_samples_of_any_content_are_read_or_refused(
    run: Path, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(shutil.copytree(run, Path(root, "run")))
        for file in sorted(folder.glob("*.jsonl")):
            lines: list[Any] = list(
                map(json.loads, file.read_text("utf-8").splitlines())
            )
            some = [
                data.draw(altered(line)) if data.draw(st.integers(0, 2)) == 0 else line
                for line in lines
            ]
            text = "".join(json.dumps(line) + "\n" for line in some)
            file.write_text(text, encoding="utf-8")

        refused(folder, run)


def refused(folder: Path, sound: Path) -> None:
    """Look at a run, which may be refused in one line."""
    told = "nothing"
    with suppress(ResultsError):
        try:
            look_at(folder, sound)
        except ResultsError as error:
            told = str(error)
            raise
    assert told
    assert "\n" not in told
