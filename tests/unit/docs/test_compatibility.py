from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Script = Callable[[str], ModuleType]

_SOUND = "dataset_path: org/name\ntest_split: test\ndoc_to_text: q\ndoc_to_target: a\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "some_eval" / "tasks"
    files = {
        "sound/a.yaml": f"task: a\n{_SOUND}",
        "wrong/b.yaml": f"task: b\nnum_fewshot: x\n{_SOUND}",
        "wrong/c.yaml": f"task: c\nnum_fewshot: x\n{_SOUND}",
        "g.yaml": "group: g\ntask: [absent]\n",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    metadata = tmp_path / "some_eval-1.2.3.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: some-eval\nVersion: 1.2.3\n")
    return root


def test_the_page_groups_what_does_not_load_by_its_reason(
    tree: Path, script: Script
) -> None:
    text = script("compatibility").page([("some-eval", tree)])

    assert "## some-eval 1.2.3" in text
    assert "| tasks that load | 1 of 3 (33.33%) |" in text
    assert "| folders that load wholly | 1 of 2 |" in text
    assert "| groups whose members are all there | 0 of 1 |" in text
    assert (
        "- num\\_fewshot is text ('x'), but must be a whole number\n\n"
        "  2: `wrong/b.yaml`, `wrong/c.yaml`\n"
    ) in text
    assert "`wrong` 0 of 2. The other 1 do." in text
    assert "- g.yaml:2: group 'g': there is no task, group or tag 'absent'" in text
    assert str(tree) not in text


def test_both_folders_must_be_named(
    script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("compatibility").main(["one"]) == 4

    assert "LM_EVAL_TASKS LMMS_EVAL_TASKS" in capsys.readouterr().err


def test_the_page_in_the_repository_names_no_machine(root: Path) -> None:
    page = (root / "docs" / "reference" / "compatibility.md").read_text("utf-8")

    assert re.findall(r"(?<![\w.:/>])/(?:\w[^\s/]*/){2,}\S*", page) == []
    assert "## lm-eval 0." in page
    assert "## lmms-eval 0." in page
