from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import DatasetError, TaskError

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_MAKING = """\
import datasets

calls = []

def rows(**kwargs):
    calls.append(kwargs)
    return {"test": [{"question": f"{kwargs['first']}+{kwargs['second']}", "answer": "3"}]}

def tables(**kwargs):
    return datasets.DatasetDict(
        {
            "test": datasets.Dataset.from_list([{"question": "a", "answer": "b"}]),
            "train": datasets.Dataset.from_list([{"question": "c", "answer": "d"}]),
        }
    )

def text(**kwargs):
    return "rows"

def texts(**kwargs):
    return {"test": "rows"}

def failing(**kwargs):
    raise KeyError("no such thing")

def shortened(dataset):
    return dataset.map(lambda row: {"question": row["question"] + "!"})
"""


def keys(function: str, **more: Any) -> str:
    extra = "".join(f"{key}: {value}\n" for key, value in more.items())
    return (
        f"task: made\ncustom_dataset: !function making.{function}\ntest_split: test\n"
        f"doc_to_text: '{{{{question}}}}'\ndoc_to_target: '{{{{answer}}}}'\n{extra}"
    )


@pytest.fixture(autouse=True)
def _making(folder: TaskFolder) -> None:
    folder.write("making.py", _MAKING)


def opened(folder: TaskFolder, text: str) -> Any:
    from pytest_evalkit.tasks import DataSources

    return folder.load_text(text).open(DataSources())


def test_a_function_makes_the_documents_of_what_the_file_says(
    folder: TaskFolder,
) -> None:
    text = keys("rows", metadata="{first: 1, second: 9}", dataset_kwargs="{second: 2}")

    documents = opened(folder, text).documents

    assert len(documents) == 1
    assert documents[0] == {"question": "1+2", "answer": "3"}


def test_each_split_is_processed_and_all_are_made_at_once(folder: TaskFolder) -> None:
    text = keys(
        "tables",
        process_docs="!function making.shortened",
        training_split="train",
        num_fewshot=1,
    )

    task = opened(folder, text)

    assert task.documents[0]["question"] == "a!"
    (request,) = task.prepare(0).requests
    assert "c!" in request.messages[-1].text


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("text", "custom_dataset returned str, but must return a mapping from splits"),
        ("texts", "custom_dataset returned str, but must return a data set or a list"),
        ("failing", "custom_dataset failed: KeyError: 'no such thing'"),
    ],
)
def test_a_function_that_makes_no_documents_is_told(
    folder: TaskFolder, function: str, message: str
) -> None:
    with pytest.raises(TaskError, match=message) as caught:
        opened(folder, keys(function))

    assert caught.value.line == 2


def test_a_split_that_was_not_made_names_the_nearest(folder: TaskFolder) -> None:
    text = keys("tables").replace("test_split: test", "test_split: tst")

    with pytest.raises(DatasetError, match="no split 'tst'; did you mean 'test'"):
        opened(folder, text)
