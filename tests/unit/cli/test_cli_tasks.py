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
        "x, y",
    ]
    column = lines[0].index("output type")
    assert rows["b"][column:] == "multiple_choice"
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
