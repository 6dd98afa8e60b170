from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.compat import import_from, is_project_folder, readable
from pytest_evalkit.compat.trees import add_tree

if TYPE_CHECKING:
    from tests.unit.compat.conftest import Tree


def test_siblings_of_the_same_name_do_not_meet(tree: Tree) -> None:
    for name in ("one", "two"):
        tree.write(f"{name}/words.py", f"WORD = {name!r}\n")
        tree.write(f"{name}/utils.py", "from words import WORD\nimport words\n")

    found = [tree.value(name, "WORD") for name in ("one", "two")]

    assert found == ["one", "two"]
    assert tree.value("two", "words").WORD == "two"
    assert "words" not in sys.modules


def test_a_sibling_is_found_when_a_function_imports_it_later(tree: Tree) -> None:
    tree.write("task/words.py", "WORD = 'late'\n")
    tree.write(
        "task/utils.py", "def word():\n    from words import WORD as w\n    return w\n"
    )

    assert tree.value("task", "word")() == "late"


def test_a_package_beside_the_file_imports_from_itself_by_name(tree: Tree) -> None:
    tree.write("task/metrics/__init__.py", "from metrics.kinds import KIND\n")
    tree.write("task/metrics/kinds.py", "KIND = 'strict'\n")
    tree.write("task/utils.py", "from metrics import KIND\nimport metrics.kinds\n")

    assert tree.value("task", "KIND") == "strict"
    assert tree.value("task", "metrics").kinds.KIND == "strict"


def test_what_is_installed_wins_over_a_sibling(tree: Tree) -> None:
    tree.write("task/json.py", "raise RuntimeError\n")
    tree.write("task/yaml.py", "raise RuntimeError\n")
    tree.write("task/pytest_evalkit.py", "raise RuntimeError\n")
    tree.write("task/utils.py", "import json, pytest_evalkit, yaml\n")

    loaded = tree.load("task")

    assert loaded.json is sys.modules["json"]
    assert loaded.yaml is sys.modules["yaml"]
    assert loaded.pytest_evalkit is sys.modules["pytest_evalkit"]


def test_a_folder_of_data_does_not_stand_for_a_missing_package(tree: Tree) -> None:
    tree.write("task/absent_xyz/rows.json", "[]")
    tree.write("task/utils.py", "import absent_xyz\n")

    with pytest.raises(ModuleNotFoundError, match="absent_xyz"):
        tree.load("task")


@pytest.mark.parametrize("place", ["mine", "lib/site-packages/lm_eval/tasks"])
def test_a_module_that_extends_the_path_gets_its_parent_and_not_itself(
    tree: Tree, place: str
) -> None:
    tree = type(tree)(tree.root / place)
    tree.write("task/utils.py", "SHARED = 'of the parent'\n")
    tree.write("task/words.py", "WORD = 'late'\n")
    tree.write(
        "task/sub/utils.py",
        "import os, sys\n"
        "sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))\n"
        "from utils import *\n"
        "def word():\n    import words\n    return words.WORD\n",
    )
    before = list(sys.path)

    loaded = tree.load("task/sub")

    assert loaded.SHARED == "of the parent"
    assert loaded.word() == "late"
    assert sys.path == before
    assert not {"utils", "words"} & set(sys.modules)


def test_a_module_runs_once_under_all_its_names(tree: Tree) -> None:
    tree.write("lm_eval/tasks/a/utils.py", "COUNT = []\nCOUNT.append(1)\n")
    tree.write(
        "lm_eval/tasks/a/more.py",
        "import utils\n"
        "from . import utils as near\n"
        "from lm_eval.tasks.a import utils as named\n"
        "import lm_eval.tasks.a.utils as bound\n"
        "import lm_eval.tasks.a.utils\n"
        "whole = lm_eval.tasks.a.utils\n",
    )

    more = tree.load("lm_eval/tasks/a", "more")
    sibling = tree.load("lm_eval/tasks/a")
    deep = tree.load("lm_eval/tasks", "lm_eval.tasks.a.utils")

    assert sibling.COUNT == [1]
    names = (more.utils, more.near, more.named, more.bound, more.whole, deep)
    assert all(found is sibling for found in names)


def test_each_tree_means_itself(tree: Tree) -> None:
    for copy in ("first", "second"):
        base = f"{copy}/lmms_eval/tasks"
        tree.write(f"{base}/_shared/words.py", f"WORD = {copy!r}\n")
        tree.write(
            f"{base}/task/utils.py",
            "from lmms_eval.tasks._shared.words import WORD\n"
            "def later():\n"
            "    import lmms_eval.tasks._shared.words as words\n"
            "    return words.WORD\n",
        )

    loaded = [tree.load(f"{copy}/lmms_eval/tasks/task") for copy in ("first", "second")]

    assert [module.WORD for module in loaded] == ["first", "second"]
    assert [module.later() for module in loaded] == ["first", "second"]


def test_a_tree_of_another_name_is_found_by_what_is_imported(tree: Tree) -> None:
    tree.write("mine/shared/words.py", "WORD = 'near'\n")
    tree.write("mine/task/utils.py", "from lm_eval.tasks.shared.words import WORD\n")

    assert tree.value("mine/task", "WORD") == "near"


def test_a_given_tree_is_the_last_resort(tree: Tree) -> None:
    tree.write("given/shared_elsewhere/words.py", "WORD = 'given'\n")
    tree.write(
        "task/utils.py", "from lm_eval.tasks.shared_elsewhere.words import WORD\n"
    )
    add_tree(tree.root / "given")

    assert tree.value("task", "WORD") == "given"


def test_a_module_of_a_given_tree_has_a_name_for_everybody(
    tree: Tree, fresh_python: Callable[..., str]
) -> None:
    tree.write("given/a/utils.py", "print('ran')\ndef f():\n    return 1\n")
    code = (
        "import sys, contextlib\n"
        "from pathlib import Path\n"
        "from pytest_evalkit.compat import import_from, install\n"
        f"root = Path({str(tree.root / 'given')!r})\n"
        "install(root)\n"
        "import lm_eval.tasks.a.utils as named\n"
        "print(named is import_from(root / 'a', 'utils'), named.__spec__.name[:6])\n"
    )

    assert fresh_python(code) == "True _evalk"


def test_the_packages_above_a_task_are_not_run(tree: Tree) -> None:
    tree.write("lm_eval/__init__.py", "raise RuntimeError('lm_eval ran')\n")
    tree.write("lm_eval/tasks/__init__.py", "raise RuntimeError('tasks ran')\n")
    tree.write("lm_eval/tasks/a/__init__.py", "raise RuntimeError('a ran')\n")
    tree.write("lm_eval/tasks/a/near.py", "STEP = 2\n")
    tree.write(
        "lm_eval/tasks/a/utils.py",
        "from .near import STEP\nfrom . import near\nfrom lm_eval.tasks import a\n",
    )

    assert tree.value("lm_eval/tasks/a", "STEP") == 2


def test_a_package_runs_once_for_a_name_of_its_own(tree: Tree) -> None:
    tree.write("task/__init__.py", "RUNS = globals().get('RUNS', 0) + 1\nBASE = 7\n")
    tree.write("task/utils.py", "from . import BASE, RUNS\n")
    tree.write("task/more.py", "from . import BASE, RUNS\n")

    loaded = [tree.load("task", name) for name in ("utils", "more")]

    assert [(module.BASE, module.RUNS) for module in loaded] == [(7, 1), (7, 1)]


def test_a_package_that_fails_fails_for_everybody(tree: Tree) -> None:
    tree.write("task/__init__.py", "1 / 0\n")
    tree.write("task/utils.py", "from . import BASE\n")
    tree.write("task/more.py", "from . import BASE\n")

    for name in ("utils", "more"):
        with pytest.raises(ZeroDivisionError):
            tree.load("task", name)


def test_what_is_missing_is_told_by_its_path(tree: Tree) -> None:
    tree.write("task/near.py", "")
    tree.write("task/utils.py", "from .near import STEP\n")

    with pytest.raises(ImportError) as caught:
        tree.load("task")

    assert f"from '{tree.root}/task/near'" in readable(str(caught.value))


def test_no_module_is_none(tree: Tree) -> None:
    assert import_from(tree.root, "absent") is None
    assert import_from(tree.root, "lm_eval.tasks.absent.utils") is None


@pytest.mark.parametrize(
    ("folder", "is_one"),
    [
        ("lm_eval", True),
        ("lm_eval/tasks", True),
        ("lm_eval/tasks/a", True),
        ("lmms_eval/models", False),
        ("tasks", False),
    ],
)
def test_the_folders_of_the_projects_are_known(
    tree: Tree, folder: str, is_one: bool
) -> None:
    (tree.root / "lm_eval/tasks/a").mkdir(parents=True)

    assert is_project_folder(Path(tree.root, folder)) is is_one
