from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import TaskError
from pytest_evalkit.tasks import DataSources

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_ROWS: list[dict[str, Any]] = [
    {"index": 1, "image": "x", "question": "1+1", "answer": "2"},
    {"index": 1000001, "image": None, "question": "1+1", "answer": "2"},
    {"index": 2, "image": "x", "question": "2+2", "answer": "4"},
]


@pytest.fixture(autouse=True)
def _rows(folder: TaskFolder) -> None:
    folder.rows("test.jsonl", _ROWS)


def bundles(folder: TaskFolder, group_by: Any) -> Any:
    return folder.open(metadata={"group_by": group_by}).bundles


def test_a_column_says_what_belongs_together(folder: TaskFolder) -> None:
    assert bundles(folder, "image") == ["x", None, "x"]


def test_several_columns_say_it_together(folder: TaskFolder) -> None:
    assert bundles(folder, ["image", "answer"]) == [("x", "2"), None, ("x", "4")]


def test_a_template_says_it(folder: TaskFolder) -> None:
    assert bundles(folder, "{{index % 1000000}}") == ["1", "1", "2"]


def test_a_function_says_it(folder: TaskFolder) -> None:
    folder.write("utils.py", "def first(doc):\n    return doc['question'][0]\n")
    path = folder.task_file()
    text = f"{path.read_text()}\nmetadata:\n  group_by: !function utils.first\n"

    opened = folder.load_text(text).open(DataSources())

    assert opened.bundles == ["1", "1", "2"]


def test_a_function_that_fails_is_named(folder: TaskFolder) -> None:
    folder.write("utils.py", "def first(doc):\n    return doc['nothing']\n")
    path = folder.task_file()
    text = f"{path.read_text()}\nmetadata:\n  group_by: !function utils.first\n"
    opened = folder.load_text(text).open(DataSources())

    with pytest.raises(TaskError, match=r"metadata.group_by failed: KeyError"):
        _ = opened.bundles


def test_without_the_key_documents_stand_alone(folder: TaskFolder) -> None:
    assert folder.open().bundles is None


@pytest.mark.parametrize("group_by", ["imag", ["index", "imag"], "{{imag}}"])
def test_a_misspelt_column_is_told_when_the_task_is_opened(
    folder: TaskFolder, group_by: Any
) -> None:
    with pytest.raises(TaskError, match=r"no column 'imag'; did you mean 'image'"):
        bundles(folder, group_by)


@pytest.mark.parametrize("group_by", [3, [], [1], "", {"column": "image"}])
def test_what_names_no_column_is_refused(folder: TaskFolder, group_by: Any) -> None:
    with pytest.raises(TaskError, match=r"metadata\.group_by is a column, a list"):
        folder.load(metadata={"group_by": group_by})
