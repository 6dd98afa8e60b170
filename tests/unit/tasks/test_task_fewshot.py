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
from pytest_evalkit.values import Generate, Loglikelihood

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder


def _pool(
    size: int, count: int, *, excluding: bool = False, evaluated: bool = False
) -> Pool:
    rows = Rows([{"n": n} for n in range(size)])
    return _pool_of(rows, count, excluding=excluding, evaluated=evaluated)


def _pool_of(
    rows: Rows,
    count: int,
    *,
    excluding: bool = False,
    evaluated: bool = False,
    kept_out: bool = False,
) -> Pool:
    return Pool(
        rows,
        count,
        is_excluding=excluding,
        is_kept_out=kept_out,
        evaluated=rows if evaluated else Rows([{"n": -1 - n} for n in range(50)]),
    )


def _prompt(opened: OpenedTask, index: int) -> str:
    (request,) = opened.prepare(index).requests
    assert isinstance(request, Generate)
    return request.messages[-1].text


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
    pool = _pool_of(rows, 2, excluding=True, evaluated=True)

    assert FirstSampler(pool)(0, {"n": 0}) == [1, 3]


def test_a_draw_of_too_few_others_is_made_again_from_what_differs() -> None:
    rows = Rows([{"n": 0}, {"n": 0}, {"n": 1}, {"n": 2}])
    pool = _pool_of(rows, 2, excluding=True, evaluated=True)
    stream = random.Random(3)
    expected = []
    for index in range(4):
        drawn = stream.sample(range(4), 3)
        left = [place for place in drawn if rows[place] != rows[index]]
        others = [place for place in range(4) if rows[place] != rows[index]]
        expected.append(left[:2] if len(left) >= 2 else stream.sample(others, 2))

    sampler = RandomSampler(pool, 3)

    # The last one first: what earlier documents drew is made up for.
    assert [sampler(index, rows[index]) for index in (3, 0, 1, 2)] == [
        expected[index] for index in (3, 0, 1, 2)
    ]


def test_what_the_published_rule_would_leak_is_replaced_outside_of_the_stream() -> None:
    rows = Rows([{"n": n} for n in range(6)])
    published = RandomSampler(_pool_of(rows, 3, evaluated=True), 1)
    kept_out = RandomSampler(_pool_of(rows, 3, evaluated=True, kept_out=True), 1)

    for index in range(6):
        before, after = published(index, rows[index]), kept_out(index, rows[index])
        same = [place for place in before if place != index]
        assert after[: len(same)] == same
        assert len(set(after)) == 3
        assert index not in after


def test_the_first_ones_are_taken_in_order() -> None:
    assert FirstSampler(_pool(9, 3))(5, {"n": 0}) == [0, 1, 2]
    excluding = _pool(9, 3, excluding=True)
    assert FirstSampler(excluding)(5, {"n": 1}) == [0, 2, 3]


@pytest.mark.parametrize(("size", "evaluated"), [(2, False), (3, True)])
def test_a_short_pool_is_an_error(size: int, evaluated: bool) -> None:
    with pytest.raises(ShortPoolError, match=f"there are {size}"):
        _pool(size, 3, evaluated=evaluated, excluding=evaluated)


def test_too_many_equal_documents_are_an_error() -> None:
    rows = Rows([{"n": 0}, {"n": 0}, {"n": 0}, {"n": 1}])
    pool = _pool_of(rows, 2, excluding=True, evaluated=True)

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


def test_few_shot_indices_name_the_pool_but_not_in_the_published_system(
    folder: TaskFolder,
) -> None:
    keys: dict[str, Any] = {
        "num_fewshot": 2,
        "fewshot_split": "train",
        "fewshot_config": {"sampler": "first_n", "fewshot_indices": [7, 3]},
    }

    fixed = folder.open(**keys)
    strict = folder.open(TaskSettings(compat="strict"), **keys)

    assert _prompt(fixed, 0) == "Q: 7+0\nA: 7\n\nQ: 3+0\nA: 3\n\nQ: 1+1\nA:"
    assert _prompt(strict, 0) == "Q: 0+0\nA: 0\n\nQ: 1+0\nA: 1\n\nQ: 1+1\nA:"


@pytest.mark.parametrize("index", [20, -1, "a"])
def test_a_few_shot_index_beyond_the_pool_is_an_error(
    folder: TaskFolder, index: Any
) -> None:
    with pytest.raises(TaskError, match="must hold positions from 0 to 19"):
        folder.open(
            num_fewshot=1,
            fewshot_split="train",
            fewshot_config={"fewshot_indices": [index]},
        )


def test_a_zero_of_the_file_is_the_last_word_in_the_published_system(
    folder: TaskFolder,
) -> None:
    keys = {"num_fewshot": 0, "fewshot_split": "train"}

    fixed = folder.load(TaskSettings(num_fewshot=3), **keys)
    strict = folder.load(TaskSettings(num_fewshot=3, compat="strict"), **keys)

    assert (fixed.num_fewshot, strict.num_fewshot) == (3, 0)
    assert strict.config["compat"] == "strict"


def test_only_a_named_split_goes_through_the_function_of_the_examples(
    folder: TaskFolder,
) -> None:
    folder.write(
        "utils.py",
        "def last(docs):\n    return [docs[len(docs) - 1]]\n"
        "def first(docs):\n    return [docs[0]]\n",
    )
    text = folder.task_file(num_fewshot=1, training_split="train").read_text()
    more = "process_docs: !function utils.last\nfewshot_config:\n"
    own = f"{more}  process_docs: !function utils.first\n"

    fallback = folder.load_text(text + own).open(DataSources())
    named = folder.load_text(f"{text}{own}  split: train\n").open(DataSources())

    assert _prompt(fallback, 0).startswith("Q: 19+0\n")
    assert _prompt(named, 0).startswith("Q: 0+0\n")


def test_a_negative_position_is_no_answer_to_show_but_in_the_published_system(
    folder: TaskFolder,
) -> None:
    keys: dict[str, Any] = {
        "num_fewshot": 1,
        "fewshot_split": "train",
        "doc_to_choice": ["no", "yes"],
        "doc_to_target": -1,
        "output_type": "multiple_choice",
        "metric_list": [{"metric": "acc"}],
    }

    with pytest.raises(TaskError, match="the answer of an example is -1"):
        folder.open(**keys).prepare(0)
    strict = folder.open(TaskSettings(compat="strict"), **keys)
    request = strict.prepare(0).requests[0]
    assert isinstance(request, Loglikelihood)
    assert "A: yes\n\n" in request.context
