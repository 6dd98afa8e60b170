from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.errors import TaskError
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
        ("import absent_xyz\n", "utils.x", "No module named 'absent_xyz'"),
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


def test_a_failing_function_is_an_error_of_the_task() -> None:
    def fail(doc: dict[str, str]) -> str:
        return doc["absent"]

    with pytest.raises(TaskError, match="doc_to_text failed: KeyError: 'absent'"):
        guarded(fail, "doc_to_text", Place(Path("a.yaml"), 1))({})
