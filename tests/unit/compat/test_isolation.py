from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.compat.conftest import Tree


def test_random_numbers_go_on_as_if_nothing_was_imported(tree: Tree) -> None:
    tree.write(
        "task/utils.py",
        "import random, numpy\nrandom.seed(42)\nnumpy.random.seed(42)\n",
    )
    numpy_random: Any = pytest.importorskip("numpy").random
    random.seed(1)
    numpy_random.seed(1)
    expected = random.random(), numpy_random.random()
    random.seed(1)
    numpy_random.seed(1)

    tree.load("task")

    assert (random.random(), numpy_random.random()) == expected


def test_a_seed_that_came_with_numpy_does_not_stay(
    tree: Tree, fresh_python: Callable[..., str]
) -> None:
    tree.write("task/utils.py", "import numpy\nnumpy.random.seed(42)\n")
    code = (
        "from pathlib import Path\n"
        "from pytest_evalkit.compat import import_from\n"
        f"import_from(Path({str(tree.root / 'task')!r}), 'utils')\n"
        "import numpy\n"
        "found = numpy.random.random()\n"
        "numpy.random.seed(42)\n"
        "print(found == numpy.random.random())\n"
    )

    assert fresh_python(code) == "False"


def test_folder_and_search_path_are_put_back(tree: Tree, tmp_path: Path) -> None:
    tree.write(
        "task/utils.py",
        f"import os, sys\nos.chdir({str(tmp_path)!r})\nsys.path.append('./x')\n",
    )
    before = Path.cwd(), list(sys.path)

    tree.load("task")

    assert (Path.cwd(), list(sys.path)) == before


def test_they_are_put_back_after_a_failure_too(tree: Tree, tmp_path: Path) -> None:
    tree.write("task/utils.py", f"import os\nos.chdir({str(tmp_path)!r})\n1 / 0\n")
    before = Path.cwd()

    with pytest.raises(ZeroDivisionError):
        tree.load("task")

    assert Path.cwd() == before


def test_what_is_printed_goes_to_standard_error(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.write("task/utils.py", "print('hello')\n")

    tree.load("task")

    assert capsys.readouterr() == ("", "hello\n")


def test_warnings_of_other_projects_are_no_errors(tree: Tree) -> None:
    source = "import warnings\nPATTERN = '\\d'\nwarnings.warn('old')\n"
    tree.write("lm_eval/tasks/a/utils.py", source)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = tree.load("lm_eval/tasks/a")

    assert loaded.PATTERN == "\\d"


def test_warnings_of_ones_own_tasks_are_as_everywhere(tree: Tree) -> None:
    tree.write("task/utils.py", "import warnings\nwarnings.warn('old')\n")

    with pytest.raises(UserWarning, match="old"):
        tree.load("task")


def test_filters_that_a_module_sets_do_not_stay(tree: Tree) -> None:
    tree.write("task/utils.py", "import warnings\nwarnings.filterwarnings('ignore')\n")
    before = list(warnings.filters)

    tree.load("task")

    assert list(warnings.filters) == before
