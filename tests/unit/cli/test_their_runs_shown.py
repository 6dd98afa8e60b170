from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from pytest_evalkit.cli import main

THEIRS = Path(__file__).parents[3] / "docs" / "examples" / "their-results"
LM = THEIRS / "lm-eval" / "tiny__a"
OTHER_LM = THEIRS / "lm-eval" / "tiny__b"
LMMS = THEIRS / "lmms-eval" / "tiny__says-42"
OTHER_LMMS = THEIRS / "lmms-eval" / "tiny__says-7"


def test_show_prints_a_run_of_lm_eval(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["show", str(LM)])

    out = capsys.readouterr().out
    assert status == 0
    assert out.startswith("tiny/a (lm-eval 0.4.13)\n")
    assert "exact_match" in out
    assert "samples_*_2026-11-21T15-13-21.104716.jsonl" in out


def test_show_prints_a_run_of_lmms_eval(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["show", str(LMMS), "--markdown"])

    out = capsys.readouterr().out
    assert status == 0
    assert "plain\\_questions" in out


def test_compare_writes_json_of_runs_of_theirs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main(["compare", str(LM), str(OTHER_LM), "--format", "json"])

    found = json.loads(capsys.readouterr().out)["comparisons"][0]
    assert status == 0
    assert [change["difference"] for change in found["changes"][:1]] == [
        pytest.approx(1 / 6)
    ]


@pytest.mark.parametrize(("run", "other"), [(LM, OTHER_LM), (LMMS, OTHER_LMMS)])
def test_report_shows_runs_of_theirs_side_by_side(
    tmp_path: Path, run: Path, other: Path
) -> None:
    page = tmp_path / "page.html"

    status = main(["report", str(run), str(other), "-o", str(page)])

    text = page.read_text(encoding="utf-8")
    assert status == 0
    assert "How many days has a week?" in text
    # Every document has its like in the other run.
    assert '"gain":[' in text
    assert "not-to-be-seen" not in text


def test_report_of_a_run_of_theirs_stands_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(LM, folder)

    assert main(["report", str(folder)]) == 0

    assert (folder / "report.html").is_file()


def test_export_writes_a_row_for_each_of_their_samples(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"

    assert main(["export", str(LM), "-o", str(table)]) == 0

    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    # Six questions under two filters, and four choices.
    assert len(rows) == 16
    assert rows[0]["prompt"] == "Q: How many days has a week?\nA:"
    assert float(rows[0]["metric.exact_match"]) == 1.0


def test_power_takes_deviations_from_a_run_of_theirs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main(["power", str(LM), "--json"])

    first = json.loads(capsys.readouterr().out)[0]
    assert status == 0
    # The deviation of three ones and three zeros.
    assert first["deviation"] == pytest.approx(0.3**0.5)


def test_samples_alone_are_no_run_to_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (samples,) = LM.glob("samples_week_facts_*.jsonl")
    alone = Path(shutil.copy(samples, tmp_path))

    status = main(["export", str(alone), "-o", str(tmp_path / "table.csv")])

    assert status == 4
    assert "samples without results" in capsys.readouterr().err


def test_a_run_of_lm_eval_can_be_a_baseline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "baseline.yaml"

    status = main(["baseline", "update", str(LM), str(file), "--task", "week_facts"])

    assert status == 0
    assert '"exact_match,strict":\n        value: 0.5' in file.read_text("utf-8")
    assert "week_facts: exact_match,strict is new" in capsys.readouterr().out


def test_a_run_whose_documents_cannot_be_told_is_no_baseline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "baseline.yaml"

    status = main(["baseline", "update", str(LMMS), str(file)])

    assert status == 4
    assert "its documents have no hashes" in capsys.readouterr().err
    assert not file.exists()


def test_options_of_other_systems_are_no_experiment(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main(["config", str(LMMS)])

    assert status == 4
    assert "whose options are others than ours" in capsys.readouterr().err
