from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import TaskError
from pytest_evalkit.tasks import DataSources, OpenedTask, TaskSettings
from pytest_evalkit.tasks.documents import Rows
from pytest_evalkit.tasks.fewshot import (
    FirstSampler,
    Pool,
    RandomSampler,
    ShortPoolError,
)

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder


def _pool(
    size: int, count: int, *, excluding: bool = False, evaluated: bool = False
) -> Pool:
    rows = Rows([{"n": n} for n in range(size)])
    return Pool(rows, count, is_excluding=excluding, is_evaluated_split=evaluated)


def _prompt(opened: OpenedTask, index: int) -> str:
    return opened.prepare(index).requests[0].messages[-1].text


def test_draws_are_those_of_one_stream_in_document_order() -> None:
    sampler = RandomSampler(_pool(50, 5), 1234)
    stream = random.Random(1234)
    population = list(range(50))

    for index in range(30):
        assert sampler(index, {}) == stream.sample(population, 5)


def test_the_first_draws_of_the_usual_seed_are_known() -> None:
    sampler = RandomSampler(_pool(20, 3), 1234)

    assert [sampler(0, {}), sampler(1, {})] == [[14, 3, 0], [2, 18, 1]]


def test_a_subset_in_any_order_draws_as_the_full_run() -> None:
    full = RandomSampler(_pool(50, 5), 7)
    expected = {index: full(index, {}) for index in range(40)}
    partial = RandomSampler(_pool(50, 5), 7)

    assert {index: partial(index, {}) for index in (39, 3, 17, 3)} == {
        index: expected[index] for index in (39, 3, 17)
    }


def test_exclusion_draws_one_more_and_drops_the_evaluated_document() -> None:
    pool = _pool(6, 3, excluding=True, evaluated=True)
    sampler = RandomSampler(pool, 1)
    stream = random.Random(1)

    for index in range(6):
        drawn = stream.sample(range(6), 4)
        expected = [position for position in drawn if position != index][:3]
        assert sampler(index, {"n": index}) == expected


def test_an_equal_document_elsewhere_in_the_pool_is_left_out() -> None:
    rows = Rows([{"n": 0}, {"n": 1}, {"n": 0}, {"n": 2}])
    pool = Pool(rows, 2, is_excluding=True, is_evaluated_split=True)

    assert FirstSampler(pool)(0, {"n": 0}) == [1, 3]


def test_the_first_ones_are_taken_in_order() -> None:
    assert FirstSampler(_pool(9, 3))(5, {"n": 0}) == [0, 1, 2]
    excluding = _pool(9, 3, excluding=True)
    assert FirstSampler(excluding)(5, {"n": 1}) == [0, 2, 3]


@pytest.mark.parametrize(("size", "evaluated"), [(2, False), (3, True)])
def test_a_short_pool_is_an_error(size: int, evaluated: bool) -> None:
    with pytest.raises(ShortPoolError, match=f"there are {size}"):
        _pool(size, 3, evaluated=evaluated)


def test_too_many_equal_documents_are_an_error() -> None:
    rows = Rows([{"n": 0}, {"n": 0}, {"n": 0}, {"n": 1}])
    pool = Pool(rows, 2, is_excluding=True, is_evaluated_split=True)

    with pytest.raises(ShortPoolError, match="only 1 of 2 shots"):
        FirstSampler(pool)(0, {"n": 0})


def test_shots_of_another_split_are_drawn_without_exclusion(
    folder: TaskFolder,
) -> None:
    opened = folder.open(fewshot_split="train", num_fewshot=2)
    stream = random.Random(1234)

    for index, question in enumerate(["1+1", "2*3", "9-4"]):
        drawn = stream.sample(range(20), 2)
        shots = "".join(f"Q: {n}+0\nA: {n}\n\n" for n in drawn)
        assert _prompt(opened, index) == f"{shots}Q: {question}\nA:"


def test_the_seed_of_the_run_moves_the_stream(folder: TaskFolder) -> None:
    settings = TaskSettings(fewshot_seed=5, num_fewshot=1)

    opened = folder.open(settings, fewshot_split="train")

    first = random.Random(5).sample(range(20), 1)[0]
    assert _prompt(opened, 0).startswith(f"Q: {first}+0\n")


def test_without_a_few_shot_split_training_documents_are_shown(
    folder: TaskFolder,
) -> None:
    opened = folder.open(training_split="train", num_fewshot=1)

    first = random.Random(1234).sample(range(20), 1)[0]
    assert _prompt(opened, 0) == f"Q: {first}+0\nA: {first}\n\nQ: 1+1\nA:"


def test_two_missing_names_are_equal_and_draw_one_more(folder: TaskFolder) -> None:
    opened = folder.open(
        test_split=None,
        validation_split="test",
        training_split="train",
        num_fewshot=1,
    )
    stream = random.Random(1234)

    for index in range(3):
        first = stream.sample(range(20), 2)[0]
        assert _prompt(opened, index).startswith(f"Q: {first}+0\n")


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"fewshot_split": "test"},
        {"fewshot_config": {"split": "test"}},
        {"fewshot_config": {"sampler": "first_n"}},
        {"test_split": None, "validation_split": "test", "fewshot_split": "test"},
    ],
)
def test_a_document_never_shows_its_own_answer(
    folder: TaskFolder, keys: dict[str, Any]
) -> None:
    opened = folder.open(num_fewshot=2, **keys)

    for index, question in enumerate(["1+1", "2*3", "9-4"]):
        prompt = _prompt(opened, index)
        assert prompt.count(f"Q: {question}") == 1
        assert prompt.count("Q: ") == 3


def test_samples_of_the_file_are_shown_unless_a_split_is_named(
    folder: TaskFolder,
) -> None:
    config = {
        "sampler": "first_n",
        "samples": [{"question": "s", "answer": "1"}, {"question": "t", "answer": "2"}],
    }

    fixed = folder.open(num_fewshot=2, fewshot_config=config)
    split = folder.open(num_fewshot=1, fewshot_config={**config, "split": "train"})

    assert _prompt(fixed, 0) == "Q: s\nA: 1\n\nQ: t\nA: 2\n\nQ: 1+1\nA:"
    assert _prompt(split, 0) == "Q: 0+0\nA: 0\n\nQ: 1+1\nA:"


def test_samples_may_come_from_a_function(folder: TaskFolder) -> None:
    folder.write(
        "utils.py", "def some():\n    return [{'question': 's', 'answer': '1'}]"
    )
    text = folder.task_file(num_fewshot=1).read_text()
    task = folder.load_text(
        f"{text}fewshot_config:\n  sampler: first_n\n  samples: !function utils.some\n"
    )

    assert _prompt(task.open(DataSources()), 0) == "Q: s\nA: 1\n\nQ: 1+1\nA:"


def test_more_shots_than_samples_are_an_error_with_its_line(
    folder: TaskFolder,
) -> None:
    with pytest.raises(TaskError, match="3 shots need 3 documents, but there are 1"):
        folder.open(
            num_fewshot=3,
            fewshot_config={"samples": [{"question": "s", "answer": "1"}]},
        )


def test_shots_may_have_fields_and_delimiters_of_their_own(folder: TaskFolder) -> None:
    opened = folder.open(
        num_fewshot=1,
        fewshot_config={
            "sampler": "first_n",
            "split": "train",
            "doc_to_text": "{{question}}?",
            "doc_to_target": "{{answer}}!",
            "target_delimiter": " = ",
            "fewshot_delimiter": "\n",
        },
    )

    assert _prompt(opened, 0) == "0+0? = 0!\nQ: 1+1\nA:"


def test_the_pool_is_not_opened_without_shots(folder: TaskFolder) -> None:
    (folder.root / "train.jsonl").unlink()

    opened = folder.open(fewshot_split="train", num_fewshot=0)

    assert _prompt(opened, 0) == "Q: 1+1\nA:"


@pytest.mark.parametrize("keys", [{"doc_to_target": 3}, {"doc_to_target": [1, 2]}])
def test_an_answer_that_is_no_text_cannot_be_shown(
    folder: TaskFolder, keys: dict[str, Any]
) -> None:
    opened = folder.open(num_fewshot=1, fewshot_split="train", **keys)

    with pytest.raises(TaskError, match="the answer of an example is"):
        opened.prepare(0)
