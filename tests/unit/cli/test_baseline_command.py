from __future__ import annotations

from pathlib import Path

import pytest

from pytest_evalkit.cli import main
from tests.unit.results.recorded_runs import (
    conclusion,
    samples_of,
    write_recorded,
)


def write(folder: Path, right: int, **changes: object) -> str:
    """Write a run of a hundred documents, some right; task ``sums``."""
    values = [float(i < right) for i in range(100)]
    task = conclusion(right / 100, n=100, **changes)
    return str(write_recorded(folder, samples_of(values), task))


def test_a_baseline_is_made_and_updated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "baselines" / "sums.yaml"

    statuses = [
        main(["baseline", "update", write(tmp_path / name, right), str(file)])
        for name, right in (("old", 70), ("new", 80))
    ]

    out = capsys.readouterr().out
    assert statuses == [0, 0]
    assert out.splitlines() == [
        "sums: acc,none is new, 0.7 (n=100), floor 0.7",
        f"baseline {file}",
        "sums: acc,none was 0.7, is 0.8 (n=100), floor 0.7",
        f"baseline {file}",
    ]
    assert "value: 0.8" in file.read_text("utf-8")


def test_a_run_below_the_floor_leaves_the_file_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sums.yaml"
    main(["baseline", "update", write(tmp_path / "old", 70), str(file)])
    before = file.read_bytes()

    status = main(["baseline", "update", write(tmp_path / "new", 60), str(file)])

    assert status == 4
    assert "below its floor 0.7" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_a_narrowed_run_leaves_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sums.yaml"
    counts = {"original": 300, "selected": 100, "scored": 100, "errors": 0}
    run = write(tmp_path / "run", 70, coverage={**counts, "skipped": 0})

    status = main(["baseline", "update", run, str(file)])

    assert status == 4
    assert "100 of 300 documents were selected" in capsys.readouterr().err
    assert not file.exists()


@pytest.mark.parametrize("arguments", [["--task", "sum"], []])
def test_what_is_wrong_is_told_in_a_line(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "sums.yaml" if arguments else "sums.txt"
    run = write(tmp_path / "run", 70)

    status = main(["baseline", "update", run, str(tmp_path / name), *arguments])

    err = capsys.readouterr().err
    assert status == 4
    assert len(err.splitlines()) == 1
    assert ("did you mean 'sums'" if arguments else "called .yaml or .json") in err
