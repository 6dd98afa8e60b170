from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.compat import install, is_stand_in
from pytest_evalkit.compat.surface import DISTRIBUTIONS, SURFACE
from pytest_evalkit.compat.trees import is_installed

if TYPE_CHECKING:
    from tests.unit.compat.conftest import Tree


@pytest.fixture(autouse=True)
def _installed() -> None:
    install()
    for package in DISTRIBUTIONS:
        if is_installed(package):
            pytest.skip(f"{package} itself is installed")


def test_every_name_can_be_imported() -> None:
    for module, names in SURFACE.items():
        if module == "loguru":
            continue
        loaded = importlib.import_module(module)
        for name, value in names.items():
            assert getattr(loaded, name) is value


def test_every_module_has_its_parents() -> None:
    for module in SURFACE:
        parent = module.rpartition(".")[0]
        assert not parent or parent in SURFACE


def test_a_module_is_imported_from_its_package() -> None:
    namespace: dict[str, object] = {}

    exec("from lmms_eval.filters import Filter, extraction", namespace)

    assert namespace["extraction"] is sys.modules["lmms_eval.filters.extraction"]
    assert is_stand_in("lmms_eval")


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        ("from lm_eval.utils import make_table", "lm_eval.utils.make_table"),
        ("import lm_eval.evaluator", "lm_eval.evaluator"),
        ("from lmms_eval.models.simple import llava", "lmms_eval.models"),
    ],
)
def test_what_is_not_there_is_told_with_its_remedy(
    statement: str, missing: str
) -> None:
    with pytest.raises(ImportError) as caught:
        exec(statement, {})

    package = missing.partition(".")[0]
    assert str(caught.value) == (
        f"{missing} is not among what stands in for {package}; "
        f"pip install {package.replace('_', '-')} to have all of it"
    )


def test_loguru_is_there_for_tasks_alone(tree: Tree) -> None:
    tree.write("task/utils.py", "import loguru\nfrom loguru import logger\n")
    tree.write("task/more.py", "from loguru import Level\n")

    loaded = tree.load("task")

    assert loaded.loguru.logger is loaded.logger is SURFACE["loguru"]["logger"]
    assert importlib.util.find_spec("loguru") is None
    with pytest.raises(ImportError, match="pip install loguru to have all of it"):
        tree.load("task", "more")


def test_a_package_that_is_there_is_used(
    tree: Tree, fresh_python: Callable[..., str]
) -> None:
    tree.write("lm_eval/__init__.py", "")
    tree.write("lm_eval/utils.py", "eval_logger = 'the real one'\n")
    code = (
        "from pytest_evalkit.compat import install, is_stand_in\n"
        "install()\n"
        "from lm_eval.utils import eval_logger\n"
        "print(eval_logger, is_stand_in('lm_eval'))\n"
        "try:\n    import lm_eval.absent\n"
        "except ModuleNotFoundError as error:\n    print(error)\n"
    )

    printed = fresh_python(code, tree.root)

    assert printed == "the real one False\nNo module named 'lm_eval.absent'"


def test_nothing_is_imported_before_a_task_asks(
    fresh_python: Callable[..., str],
) -> None:
    code = (
        "import sys\n"
        "import pytest_evalkit.plugin\n"
        "from pytest_evalkit import compat\n"
        "compat.install()\n"
        "wanted = ('lm_eval', 'lmms_eval', 'loguru', 'pytest_evalkit.compat.surface')\n"
        "print([name for name in wanted if name in sys.modules])\n"
    )

    assert fresh_python(code) == "[]"


def test_installing_again_changes_nothing() -> None:
    before = list(sys.meta_path)

    install()

    assert sys.meta_path == before


def test_the_logger_formats_and_keeps_silent(caplog: pytest.LogCaptureFixture) -> None:
    logger = SURFACE["loguru"]["logger"]

    with caplog.at_level(logging.DEBUG):
        logger.info("read {n} of {total}", n=3, total=5)
        logger.error({"braces": "{}"})
        logger.disable(__name__)
        logger.warning("not said")
        logger.enable(__name__)
        logger.warning("said")

    assert caplog.record_tuples == [
        (__name__, logging.INFO, "read 3 of 5"),
        (__name__, logging.ERROR, "{'braces': '{}'}"),
        (__name__, logging.WARNING, "said"),
    ]


def test_an_exception_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = SURFACE["loguru"]["logger"]

    try:
        int("x")
    except ValueError:
        logger.exception("no number")

    assert caplog.records[0].exc_info is not None
