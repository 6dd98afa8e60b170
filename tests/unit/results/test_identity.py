from __future__ import annotations

from pathlib import Path

import pytest

from pytest_evalkit.models.description import model_identity
from pytest_evalkit.results.identity import differences, short_text
from pytest_evalkit.results.locking import first_in_use
from pytest_evalkit.tasks import TaskSettings, load_task, task_identity

_TASK = """
task: sums
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
doc_to_text: !function utils.ask
doc_to_target: "{{answer}}"
metric_list: [{metric: exact_match}]
"""


def identity(folder: Path, task: str = _TASK, **settings: int) -> dict[str, str]:
    (folder / "sums.yaml").write_text(task)
    chosen = TaskSettings(num_fewshot=settings.get("num_fewshot"))
    values = task_identity(load_task(folder / "sums.yaml", chosen), chosen, ())
    return {name: short_text(value) for name, value in values.items()}


def folder_of(parent: Path, name: str, prompt: str) -> Path:
    folder = parent / name
    folder.mkdir()
    (folder / "wording.py").write_text(f"PROMPT = {prompt!r}\n")
    (folder / "utils.py").write_text(
        "from wording import PROMPT\ndef ask(doc): return PROMPT\n"
    )
    return folder


def test_equal_identities_differ_in_nothing() -> None:
    assert differences("task 'a'", {"x": "1"}, {"x": "1"}) == []


def test_a_difference_is_told_with_both_values() -> None:
    told = differences("task 'a'", {"x": "1", "y": "2"}, {"x": "3", "z": "4"})

    assert told == [
        "task 'a': x was 1, is 3",
        "task 'a': y was 2, is nothing",
        "task 'a': z was nothing, is 4",
    ]


def test_long_values_that_begin_alike_have_different_texts() -> None:
    one, other = short_text("a" * 100), short_text("a" * 99 + "b")

    assert one != other
    assert max(len(one), len(other)) < 64


def test_where_a_model_is_reached_does_not_matter() -> None:
    here = {"model": "m", "base_url": "http://a", "timeout": 1.0, "temperature": 0}
    there = {"model": "m", "base_url": "http://b", "timeout": 9.0, "temperature": 0}

    assert model_identity(here) == model_identity(there)
    assert model_identity(here) != model_identity({**here, "temperature": 1})


def test_code_that_a_module_imports_belongs_to_the_task(tmp_path: Path) -> None:
    one = identity(folder_of(tmp_path, "one", "How much?"))
    same = identity(folder_of(tmp_path, "same", "How much?"))
    other = identity(folder_of(tmp_path, "other", "How many?"))

    assert one == same
    assert [told.split(" was ")[0] for told in differences("sums", one, other)] == [
        "sums: its Python"
    ]


def test_gates_and_tags_are_not_what_a_task_is_known_by(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "one", "How much?")

    plain = identity(folder)
    gated = identity(folder, f"{_TASK}tag: maths\ngate: [{{metric: a, min: 0}}]\n")

    assert plain == gated
    assert identity(folder, num_fewshot=2) != plain


def test_a_file_that_nobody_writes_is_free(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    path = tmp_path / "main.jsonl"
    path.write_bytes(b"")

    with path.open("rb") as file:
        lock_of(file.fileno())
        busy = first_in_use([path], patience_s=0.0)
    free = first_in_use([path], patience_s=0.0)

    assert (busy, free) == (path, None)


def lock_of(file: int) -> None:
    from pytest_evalkit.results.locking import lock

    lock(file)
