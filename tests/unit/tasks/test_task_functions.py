from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.compat.trees import is_installed
from pytest_evalkit.errors import MissingPackageError, TaskError
from pytest_evalkit.tasks.functions import guarded, load_function, load_functions
from pytest_evalkit.tasks.source import FunctionReference, Place

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder


def _reference(path: Path, name: str) -> FunctionReference:
    return FunctionReference(name, Place(path / "a.yaml", 7))


def test_a_module_beside_the_file_is_found(folder: TaskFolder) -> None:
    folder.write("utils.py", "ANSWER = 42\n")

    assert load_function(_reference(folder.root, "utils.ANSWER")) == 42


def test_a_module_runs_once_per_path(folder: TaskFolder) -> None:
    folder.write("utils.py", "one = object()\n")

    first = load_function(_reference(folder.root, "utils.one"))
    again = load_function(_reference(folder.root / "sub" / "..", "utils.one"))

    assert first is again


def test_modules_of_the_same_name_are_kept_apart(folder: TaskFolder) -> None:
    folder.write("a.b/utils.py", "WHERE = 'a.b'\n")
    folder.write("a%2Eb/utils.py", "WHERE = 'a%2Eb'\n")

    found = [
        load_function(_reference(folder.root / name, "utils.WHERE"))
        for name in ("a.b", "a%2Eb")
    ]

    assert found == ["a.b", "a%2Eb"]


def test_relative_imports_work_within_and_above_the_folder(
    folder: TaskFolder,
) -> None:
    folder.write("shared.py", "BASE = 1\n")
    folder.write("task/near.py", "STEP = 2\n")
    folder.write(
        "task/utils.py",
        "from ..shared import BASE\nfrom .near import STEP\nTOTAL = BASE + STEP\n",
    )

    assert load_function(_reference(folder.root / "task", "utils.TOTAL")) == 3


def test_a_dotted_module_lies_in_a_subfolder(folder: TaskFolder) -> None:
    folder.write("a/b.py", "VALUE = 'deep'\n")

    assert load_function(_reference(folder.root, "a.b.VALUE")) == "deep"


def test_an_installed_module_is_the_fallback(folder: TaskFolder) -> None:
    import json

    assert load_function(_reference(folder.root, "json.dumps")) is json.dumps


def test_references_are_replaced_however_deep(folder: TaskFolder) -> None:
    folder.write("utils.py", "X = 'x'\n")
    reference = _reference(folder.root, "utils.X")

    assert load_functions({"a": [{"b": reference}], "c": 1}) == {
        "a": [{"b": "x"}],
        "c": 1,
    }


@pytest.mark.parametrize(
    ("module", "name", "message"),
    [
        ("X = 1\n", "utils.process_doc", "utils has no 'process_doc'"),
        ("process_docs = 1\n", "utils.process_doc", "did you mean 'process_docs'?"),
        ("X = 1\n", "utls.x", "did you mean 'utils'?"),
        ("X = 1\n", "utils", "names no module; write module.name"),
        ("1 / 0\n", "utils.x", "importing utils failed: ZeroDivisionError"),
        ("from . import absent_xyz\n", "utils.x", "cannot import name 'absent_xyz'"),
        ("import sys; sys.exit(3)\n", "utils.x", "importing utils failed: SystemExit"),
        ("def\n", "utils.x", "importing utils failed: SyntaxError"),
    ],
)
def test_a_function_that_cannot_be_had_is_one_line(
    folder: TaskFolder, module: str, name: str, message: str
) -> None:
    folder.write("utils.py", module)

    with pytest.raises(TaskError) as caught:
        load_function(_reference(folder.root, name))

    assert message in caught.value.message
    assert caught.value.line == 7


def test_attributes_of_attributes_are_found(folder: TaskFolder) -> None:
    folder.write("utils.py", "class Judge:\n    LEVELS = {'high': 3}\n")

    found = load_function(_reference(folder.root, "utils.Judge.LEVELS.get"))

    assert found("high") == 3


def test_a_name_that_an_attribute_lacks_is_told(folder: TaskFolder) -> None:
    folder.write("utils.py", "class Judge:\n    def score(self): ...\n")

    with pytest.raises(TaskError, match=r"utils\.Judge has no 'scor'; did you mean"):
        load_function(_reference(folder.root, "utils.Judge.scor"))


def test_names_made_while_importing_are_found(folder: TaskFolder) -> None:
    folder.write(
        "utils.py",
        "from functools import partial\n"
        "for n in range(3):\n    globals()[f'add_{n}'] = partial(sum, start=n)\n",
    )

    assert load_function(_reference(folder.root, "utils.add_2"))([1]) == 3


def test_a_module_of_the_task_tree_is_found(folder: TaskFolder) -> None:
    folder.write("lm_eval/tasks/other/utils.py", "X = 'of the tree'\n")
    (folder.root / "lm_eval/tasks/mine").mkdir()
    reference = _reference(
        folder.root / "lm_eval/tasks/mine", "lm_eval.tasks.other.utils.X"
    )

    assert load_function(reference) == "of the tree"


def test_a_module_that_fails_is_tried_once(
    folder: TaskFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.write("utils.py", "print('tried')\nload('bleu')\n")

    messages = []
    for name in ("utils.a", "utils.b"):
        with pytest.raises(TaskError) as caught:
            load_function(_reference(folder.root, name))
        messages.append(caught.value.message)

    assert messages[1] == (
        "!function utils.b: importing utils failed: NameError: name 'load' is not "
        "defined (utils.py:2: load('bleu'))"
    )
    assert capsys.readouterr().err == "tried\n"


def test_a_missing_package_is_told_apart(folder: TaskFolder) -> None:
    folder.write("near.py", "X = 1\nimport absent_xyz.sub\n")
    folder.write("utils.py", "from near import X\n")

    with pytest.raises(MissingPackageError) as caught:
        load_function(_reference(folder.root, "utils.x"))

    assert caught.value.package == "absent_xyz"
    assert str(caught.value) == (
        f"{folder.root}/a.yaml:7: !function utils.x (near.py:2: import absent_xyz.sub) "
        "needs the package absent_xyz; pip install absent_xyz"
    )


def test_a_package_is_called_as_it_is_installed(folder: TaskFolder) -> None:
    folder.write(
        "utils.py",
        "raise ModuleNotFoundError('no skimage', name='skimage.metrics')\n",
    )

    with pytest.raises(MissingPackageError, match="pip install scikit-image"):
        load_function(_reference(folder.root, "utils.x"))


def test_what_our_modules_lack_is_a_missing_package(folder: TaskFolder) -> None:
    if is_installed("lm_eval"):
        pytest.skip("lm_eval itself is installed")
    folder.write("utils.py", "from lm_eval.utils import make_table\n")

    with pytest.raises(MissingPackageError) as caught:
        load_function(_reference(folder.root, "utils.x"))

    assert caught.value.package == "lm-eval"


def test_a_missing_part_of_an_installed_package_is_an_error_of_the_task(
    folder: TaskFolder,
) -> None:
    folder.write("utils.py", "import json.absent\n")

    with pytest.raises(TaskError, match=r"No module named 'json\.absent'"):
        load_function(_reference(folder.root, "utils.x"))


def test_long_messages_become_one_line(folder: TaskFolder) -> None:
    banner = "\\n" + "*" * 70 + "\\n"
    folder.write(
        "utils.py",
        f"raise LookupError('{banner} Resource \\x1b[93mpunkt\\x1b[0m not found. {banner}')\n",
    )

    with pytest.raises(TaskError) as caught:
        load_function(_reference(folder.root, "utils.x"))

    assert "failed: LookupError: Resource punkt not found. (" in caught.value.message


def test_a_function_that_would_end_the_process_is_an_error(folder: TaskFolder) -> None:
    folder.write("utils.py", "import sys\ndef see(doc):\n    sys.exit('no film')\n")

    see = load_function(_reference(folder.root, "utils.see"))

    with pytest.raises(TaskError, match=r"utils\.see called sys\.exit: no film"):
        see({})


@pytest.mark.parametrize("name", ["score", "partly"])
def test_a_function_that_asks_a_judge_is_an_error(
    folder: TaskFolder, name: str
) -> None:
    folder.write(
        "utils.py",
        "from pytest_evalkit.compat.judges import get_server\n"
        "server = get_server('openai')\n"
        "def score(doc, results):\n"
        "    try:\n        return server.evaluate_binary('q', 'a', results[0])\n"
        "    except Exception:\n        return 0\n"
        "from functools import partial\n"
        "partly = partial(score)\n",
    )

    score = load_function(_reference(folder.root, f"utils.{name}"))

    with pytest.raises(TaskError, match=f"{name} asks a judge model, and judges are"):
        score({}, [""])


def test_a_function_keeps_its_signature_and_is_the_same_each_time(
    folder: TaskFolder,
) -> None:
    folder.write("utils.py", "def score(doc, results=None): ...\n")
    reference = _reference(folder.root, "utils.score")

    assert list(signature(load_function(reference)).parameters) == ["doc", "results"]
    assert load_function(reference) is load_function(reference)


def test_a_failing_function_is_an_error_of_the_task() -> None:
    def fail(doc: dict[str, str]) -> str:
        return doc["absent"]

    with pytest.raises(TaskError, match="doc_to_text failed: KeyError: 'absent'"):
        guarded(fail, "doc_to_text", Place(Path("a.yaml"), 1))({})
