from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pytest_evalkit.cli import main

_DATA = "dataset_path: org/name\ndataset_name: en\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {
        "long.yaml": f"task: a_long_name\ntag: [x, y]\n{_DATA}",
        "b.yaml": f"task: b\noutput_type: multiple_choice\n{_DATA}",
        "c.yaml": "task: c\nclass: !function m.C\n",
        "g.yaml": "group: g\ntask: [b, c]\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["tasks", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_tasks_stand_in_columns(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = listed(capsys, "*", "--include-path", str(tree))

    assert lines[0].split("  ")[0] == "name"
    rows = {line.split()[0]: line for line in lines}
    assert re.split(" {2,}", rows["a_long_name"]) == [
        "a_long_name",
        "task",
        "org/name en",
        "generate_until",
        "text",
        "x, y",
    ]
    column = lines[0].index("output type")
    assert rows["b"][column:].split() == ["multiple_choice", "text"]
    assert rows["g"].split() == ["g", "group", "2", "members"]
    assert rows["c"].split() == ["c", "python"]
    assert "gsm8k" in rows


@pytest.mark.parametrize(
    ("pattern", "names"),
    [("a_*", ["a_long_name"]), ("x", ["a_long_name"]), ("g", ["g"])],
)
def test_a_pattern_means_names_and_tags(
    tree: Path, capsys: pytest.CaptureFixture[str], pattern: str, names: list[str]
) -> None:
    lines = listed(capsys, pattern, "--include-path", str(tree))

    assert [line.split()[0] for line in lines[1:]] == names


def test_json_says_all(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = listed(capsys, "[abg]*", "--include-path", str(tree), "--json")

    rows = {row["name"]: row for row in json.loads("\n".join(lines))}
    assert rows["a_long_name"] == {
        "name": "a_long_name",
        "kind": "task",
        "path": str(tree / "long.yaml"),
        "dataset_path": "org/name",
        "dataset_name": "en",
        "output_type": "generate_until",
        "modalities": ["text"],
        "documents": None,
        "sample": None,
        "tags": ["x", "y"],
        "members": [],
    }
    assert rows["g"]["members"] == ["b", "c"]
    assert rows["g"]["output_type"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gsm8kk"], "no task matches 'gsm8kk'; did you mean 'gsm8k'?"),
        (["--include-path", "nowhere"], "nowhere is not a folder"),
    ],
)
def test_what_does_not_exist_is_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["tasks", *arguments]) == 4

    assert capsys.readouterr().err == f"evalkit: {message}\n"


@pytest.mark.parametrize(
    ("keys", "modalities"),
    [
        ("doc_to_visual: image\n", ["image"]),
        ("doc_to_visual: !function utils.visual\n", ["image"]),
        ("doc_to_image: [a, b]\ndoc_to_audio: c\n", ["image", "audio"]),
        ("doc_to_visual: clip\ndataset_kwargs:\n  video: true\n", ["video"]),
        ("doc_to_visual: null\n", ["text"]),
        ("doc_to_messages: !function utils.messages\n", []),
        ("doc_to_messages: !function u.m\nmetadata: {modality: audio}\n", ["audio"]),
        ("metadata:\n  - modality: [image, video]\n", ["image", "video"]),
        ("metadata:\n  version: 1\n", ["text"]),
    ],
)
def test_what_a_task_shows_is_told(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    keys: str,
    modalities: list[str],
) -> None:
    (tmp_path / "own.yaml").write_text(f"task: own\n{_DATA}{keys}")

    lines = listed(capsys, "own", "--include-path", str(tmp_path), "--json")

    assert json.loads("\n".join(lines))[0]["modalities"] == modalities


def count_of(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> tuple[int | None, int | None]:
    lines = listed(capsys, "own", "--include-path", str(folder), "--json")
    row = json.loads("\n".join(lines))[0]
    return row["documents"], row["sample"]


def test_documents_are_counted_where_they_lie(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "test.jsonl").write_text('{"a": 1}\n\n{"a": 2}\n{"a": 3}')
    data = "dataset_kwargs: {data_files: {test: test.jsonl}}\n"
    task = tmp_path / "own.yaml"
    task.write_text(f"task: own\ndataset_path: json\ntest_split: test\n{data}")

    assert count_of(capsys, tmp_path) == (3, None)

    task.write_text(f"{task.read_text()}process_docs: !function utils.shorter\n")
    assert count_of(capsys, tmp_path) == (None, None)


def test_a_task_may_say_how_many_documents_it_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "test.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    task = tmp_path / "own.yaml"
    task.write_text(f"task: own\ntest_split: test\n{_DATA}")

    assert count_of(capsys, tmp_path) == (None, 2)
    assert "sample of 2" in listed(capsys, "own", "--include-path", str(tmp_path))[1]

    task.write_text(f"{task.read_text()}metadata:\n  documents: 4000\n")
    assert count_of(capsys, tmp_path) == (4000, 2)


def test_rows_of_parquet_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    lines = listed(capsys, "mme", "--json")

    assert json.loads("\n".join(lines))[0]["sample"] == 28
