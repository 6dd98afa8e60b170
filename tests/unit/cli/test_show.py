from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from pytest_evalkit.cli import main
from pytest_evalkit.codec import encode_pretty
from pytest_evalkit.results.document import RunFacts, TaskConclusion, build_results
from pytest_evalkit.results.gates import parse_gate


def write_run(folder: Path, model: str = "org/model", *, complete: bool = True) -> Path:
    task = TaskConclusion(
        name="sums",
        alias="sums",
        config={},
        version=1.0,
        num_fewshot=0,
        directions={"acc": True},
        aggregates=[
            {
                "metric": "acc",
                "filter": "none",
                "value": 0.75,
                "stderr": 0.25,
                "ci95": (0.26, 1.24),
                "n": 4,
                "higher_is_better": True,
            }
        ],
        coverage={
            "original": 4,
            "selected": 4,
            "scored": 4,
            "errors": 0,
            "skipped": 0,
        },
        task_hash="",
        fingerprint="",
    )
    run = RunFacts(
        model_name=model,
        model_description={},
        options={},
        git_hash=None,
        started_at=0.0,
        elapsed_s=1.0,
        complete=complete,
        environment={},
    )
    folder.mkdir(parents=True)
    file = folder / "results.json"
    file.write_bytes(
        encode_pretty(build_results([task], run, [parse_gate("acc>=0.9")]))
    )
    return file


def test_a_run_is_shown_with_its_gates_and_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_run(tmp_path / "run")
    (tmp_path / "run" / "samples_sums.jsonl").touch()

    status = main(["show", str(tmp_path / "run")])

    out = capsys.readouterr().out
    assert status == 0
    assert out.startswith("org/model\n\nTask ")
    assert "sums  acc ↑   4  0.7500  ± 0.2500       4/4" in out
    assert "gate fail     sums: acc >= 0.9 (acc,none is 0.75" in out
    assert f"results  {file}\n" in out
    assert f"samples  {tmp_path / 'run' / 'samples_*.jsonl'}\n" in out
    assert "report" not in out


def test_a_report_that_is_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "run")
    (tmp_path / "run" / "report.html").touch()

    main(["show", str(tmp_path / "run")])

    assert f"report   {tmp_path / 'run' / 'report.html'}\n" in capsys.readouterr().out


def test_a_terminal_that_knows_only_ascii_gets_ascii(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(tmp_path / "run")
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))

    status = main(["show", str(tmp_path / "run")])

    sys.stdout.flush()
    assert status == 0
    assert b"acc ^   4  0.7500  +- 0.2500" in written.getvalue()


def test_a_run_can_be_named_by_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_run(tmp_path / "run", complete=False)

    status = main(["show", str(file), "--markdown"])

    out = capsys.readouterr().out
    assert status == 0
    assert out.startswith("**org/model** (not complete)\n\n| Task |")
    assert "\n\n- ❌ sums: `acc >= 0.9`: the run is not complete\n" in out


def test_last_is_the_run_concluded_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    older = write_run(tmp_path / "results" / "z" / "2", "older")
    newer = write_run(tmp_path / "results" / "a" / "1", "newer")
    os.utime(older, (1, 1))
    os.utime(newer, (2, 2))

    main(["show", "last"])

    assert capsys.readouterr().out.startswith("newer\n")


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (
            "gone",
            "evalkit: there is no gone; name the folder of a finished run, which holds",
        ),
        ("last", "evalkit: there is no run under results/; name a run folder"),
        (".", "evalkit: there is no results.json; name the folder of a finished run"),
    ],
)
def test_a_run_that_is_not_there_is_one_line_and_status_4(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    run: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    status = main(["show", run])

    captured = capsys.readouterr()
    assert status == 4
    assert captured.out == ""
    assert captured.err.startswith(message)
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["show"], ["show", "a", "--jsn"]])
def test_wrong_usage_ends_with_status_4(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 4
    assert "usage: evalkit" in capsys.readouterr().err


def test_the_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])

    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("evalkit ")


def test_the_mock_server_reads_its_own_options(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["mock-server", "--help"])

    assert caught.value.code == 0
    assert "--port" in capsys.readouterr().out


@pytest.mark.parametrize("given", ["many", "-1", "1.5"])
def test_a_count_that_is_none_is_told(
    given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["validate", "x", f"--max-errors={given}"])

    assert ended.value.code == 4
    told = f"argument --max-errors: must be a count, 0 or more, not {given!r}\n"
    assert capsys.readouterr().err.endswith(told)
