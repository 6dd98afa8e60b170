from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.compat import hub_home

if TYPE_CHECKING:
    from tests.unit.compat.conftest import Tree

_READS = "import os\nHOME = os.environ['HF_HOME']\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let nothing but the home folder say where the hub's files are."""
    monkeypatch.delenv("HF_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_a_module_that_takes_the_variable_for_granted_finds_the_default(
    tree: Tree, home: Path
) -> None:
    tree.write("task/utils.py", _READS)

    assert tree.value("task", "HOME") == str(home / ".cache" / "huggingface")
    assert "HF_HOME" not in os.environ


def test_the_folder_of_caches_moves_it(
    tree: Tree, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "caches"))
    tree.write("task/utils.py", _READS)

    assert tree.value("task", "HOME") == str(home / "caches" / "huggingface")


def test_what_the_user_set_holds(
    tree: Tree, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", "~/hub")
    tree.write("task/utils.py", _READS)

    assert tree.value("task", "HOME") == "~/hub"
    assert os.environ["HF_HOME"] == "~/hub"
    assert hub_home() == home / "hub"


def test_an_empty_variable_is_none_and_stays_empty(
    tree: Tree, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", "")
    tree.write("task/utils.py", _READS)

    assert tree.value("task", "HOME") == str(home / ".cache" / "huggingface")
    assert os.environ["HF_HOME"] == ""


def test_what_a_module_sets_stays(
    tree: Tree, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.write("task/utils.py", "import os\nos.environ['HF_HOME'] = '/elsewhere'\n")

    tree.load("task")

    assert os.environ["HF_HOME"] == "/elsewhere"
    monkeypatch.delenv("HF_HOME")
    assert hub_home() == home / ".cache" / "huggingface"


def test_the_rule_is_that_of_the_library(home: Path) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")

    assert Path(constants.default_home).name == hub_home().parent.name
    assert hub_home().name == "huggingface"
