"""Where a team looks: summaries, hooks, JUnit properties, the page and its pictures."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.cli import main
from pytest_evalkit.results.media import MediaShelf

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_SIXTH = ("--model", "constant", "--model-args", "text='2'")
_GATES = ("--gate", "exact_match>=0.1", "--gate", "exact_match>=0.9")
_WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")])
_SINK = """
import json
def pytest_evalkit_results(results, config):
    row = results["results"]["arith"]
    with open("sunk.jsonl", "a") as file:
        file.write(json.dumps([row["exact_match,none"], config.rootpath.name]) + "\\n")
    results.clear()
"""


@_WORKERS
def test_a_summary_is_written_and_hooks_are_called_once(
    arith_suite: ArithSuite, monkeypatch: pytest.MonkeyPatch, workers: Sequence[str]
) -> None:
    step = arith_suite.write("step.md", "of an earlier step\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    arith_suite.write("conftest.py", _SINK)

    arith_suite.run(*_SIXTH, *_GATES, "--report-md", "summary.md", *workers)

    summary = (arith_suite.root / "summary.md").read_text("utf-8")
    assert summary.startswith("**constant**\n\n| Task |")
    assert "| arith | none | 0 | exact\\_match | ↑ | 6 | 0.1667 |" in summary
    assert "- ✅ arith: `exact_match >= 0.1`" in summary
    assert "- ❌ arith: `exact_match >= 0.9`" in summary
    assert step.read_text("utf-8") == f"of an earlier step\n{summary}\n"
    (sunk,) = map(json.loads, arith_suite.noted("sunk.jsonl"))
    assert sunk == [pytest.approx(1 / 6), arith_suite.root.name]
    assert arith_suite.score() == pytest.approx(1 / 6)


def test_a_hook_that_raises_fails_the_run_and_loses_nothing(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.write(
        "conftest.py",
        "def pytest_evalkit_results(results, config): raise OSError('no route')",
    )

    result = arith_suite.run(*_SIXTH)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["ERROR: a hook pytest_evalkit_results raised OSError: no route"]
    )
    assert arith_suite.score() == pytest.approx(1 / 6)
    assert (arith_suite.folders[-1] / "report.html").is_file()


@_WORKERS
def test_junit_has_the_value_and_the_bound_of_each_gate(
    arith_suite: ArithSuite, workers: Sequence[str]
) -> None:
    arith_suite.run(*_SIXTH, *_GATES, "--junitxml", "junit.xml", *workers)

    suite = ET.parse(arith_suite.root / "junit.xml").getroot()[0]
    told = {
        case.get("name"): {
            entry.get("name"): entry.get("value") for entry in case.iter("property")
        }
        for case in suite.iter("testcase")
        if str(case.get("name")).startswith("gate")
    }
    assert {name: values["verdict"] for name, values in told.items()} == {
        "gate[exact_match >= 0.1]": "pass",
        "gate[exact_match >= 0.9]": "fail",
    }
    failed = told["gate[exact_match >= 0.9]"]
    assert float(str(failed["value"])) == pytest.approx(1 / 6)
    assert failed["bound"] == "0.9"
    assert (suite.get("tests"), suite.get("failures")) == ("8", "1")


def with_pictures(suite: ArithSuite) -> None:
    """Give each sum a picture; two share one."""
    Image = pytest.importorskip("PIL.Image")  # noqa: N806 (its name)
    for n in range(3):
        path = suite.root / "arith" / f"{n}.png"
        Image.new("RGB", (320, 240), (60 * n, 0, 0)).save(path)
    rows = [
        {"id": f"q{n}", "question": "?", "answer": "2", "pic": f"{n % 3}.png"}
        for n in range(4)
    ]
    suite.task(
        rows=rows,
        doc_to_text="{{question}}",
        doc_to_image="pic",
        tag=None,
        metadata={"version": 1.0},
    )


@_WORKERS
def test_pictures_are_kept_once_and_shown_by_the_page(
    arith_suite: ArithSuite, workers: Sequence[str]
) -> None:
    with_pictures(arith_suite)

    arith_suite.run(*_SIXTH, *workers)

    folder = arith_suite.folders[-1]
    hashes = {
        sample["input"][0]["content"][0]["sha256"] for sample in arith_suite.samples()
    }
    shelf = MediaShelf(folder / "media")
    pictures = [shelf.pictures(sha256) for sha256 in hashes]
    assert len(hashes) == 3
    assert [picture.mime for (picture,) in pictures] == ["image/jpeg"] * 3
    page = (folder / "report.html").read_text("utf-8")
    assert all(picture.content in page for (picture,) in pictures)


def test_a_run_that_is_resumed_adds_its_pictures(arith_suite: ArithSuite) -> None:
    with_pictures(arith_suite)
    arith_suite.run(*_SIXTH)
    (folder,) = arith_suite.folders
    (journal,) = (folder / "journal").glob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    first, *_ = (n for n, line in enumerate(lines) if b'"doc_id"' in line)
    journal.write_bytes(b"".join(lines[: first + 1]))
    (folder / "results.json").unlink()
    (folder / "media" / "main.jsonl").write_bytes(b'{"sha256":"torn')

    result = arith_suite.run(*_SIXTH, "--resume", "last")

    assert result.ret == 0
    assert sorted(path.name for path in (folder / "media").iterdir()) == [
        "main-2.jsonl",
        "main.jsonl",
    ]
    shelf = MediaShelf(folder / "media")
    hashes = [
        sample["input"][0]["content"][0]["sha256"] for sample in arith_suite.samples()
    ]
    assert all(shelf.pictures(sha256) for sha256 in hashes[1:])


def test_no_pictures_are_kept_where_none_are_wanted(arith_suite: ArithSuite) -> None:
    with_pictures(arith_suite)

    arith_suite.run(*_SIXTH, "--report-media", "none")

    assert arith_suite.score() == 1.0
    assert not (arith_suite.folders[-1] / "media").exists()


def test_pictures_in_full_are_the_files(arith_suite: ArithSuite) -> None:
    with_pictures(arith_suite)

    arith_suite.run(*_SIXTH, "--report-media", "full")

    shelf = MediaShelf(arith_suite.folders[-1] / "media")
    first = arith_suite.samples()[0]["input"][0]["content"][0]["sha256"]
    (picture,) = shelf.pictures(first)
    assert picture.mime == "image/png"


def test_a_misspelt_way_of_showing_media_is_a_usage_error(
    arith_suite: ArithSuite,
) -> None:
    result = arith_suite.run(*_SIXTH, "--report-media", "small")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --report-media 'small': must be thumbnails, full or none"]
    )


def test_the_page_and_tables_are_written_again_from_the_folder(
    arith_suite: ArithSuite, capsys: pytest.CaptureFixture[str]
) -> None:
    arith_suite.run(*_SIXTH)
    run = str(arith_suite.folders[-1])
    page = Path(run, "report.html")
    written = page.read_bytes()
    page.unlink()
    capsys.readouterr()

    statuses = [
        main(["report", run]),
        main(["report", run, run, "-o", "both.html"]),
        main(["export", run]),
        main(["export", run, "--format", "parquet", "-o", "table.parquet"]),
    ]

    assert statuses == [0, 0, 0, 0]
    assert capsys.readouterr().out.splitlines() == [
        str(page), "both.html", f"{run}/samples.csv", "table.parquet",
    ]  # fmt: skip
    assert page.read_bytes() == written
    assert "Comparison of" in Path("both.html").read_text("utf-8")
