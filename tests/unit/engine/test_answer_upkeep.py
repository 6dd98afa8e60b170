from __future__ import annotations

import zlib
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from pytest_evalkit.engine.answer_file import FILE_NAME, AnswerFile, Entry
from pytest_evalkit.engine.answer_upkeep import (
    Kept,
    Pruning,
    contents,
    exported,
    prune,
    size_of,
)
from pytest_evalkit.errors import CacheError, OptionError


def entry(number: int, model: str = "m", kind: str = "generate") -> Entry:
    return Entry(
        key=bytes([number]) * 32,
        model=model,
        identity=f'{{"model":"{model}"}}',
        kind=kind,
        asked=zlib.compress(b'{"kind":"%s"}' % kind.encode()),
        answer=b'{"text":"%s"}' % (b"x" * 5000),
        stored_at=1000.0 + number,
    )


def cache(folder: Path, entries: Iterable[Entry]) -> Path:
    with closing(AnswerFile(folder, create=True)) as file:
        file.add(list(entries))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return cache(
        tmp_path / "cache",
        [
            *(entry(number) for number in range(6)),
            entry(6, kind="loglikelihood"),
            entry(7, model="other"),
        ],
    )


def times(folder: Path) -> list[float]:
    return [one["stored_at"] - 1000 for one in exported(folder)]


def test_contents_are_told_by_model_and_kind(folder: Path) -> None:
    size = len(entry(0).asked) + len(entry(0).answer)

    first, *rest = contents(folder)

    assert first == Kept("m", "generate", 6, 6 * size, 1000.0, 1005.0)
    assert [(kept.model, kept.kind, kept.entries) for kept in rest] == [
        ("m", "loglikelihood", 1),
        ("other", "generate", 1),
    ]


def test_an_empty_cache_holds_nothing(tmp_path: Path) -> None:
    assert contents(cache(tmp_path, [])) == []


def test_the_size_counts_what_is_not_yet_in_the_main_file(tmp_path: Path) -> None:
    with closing(AnswerFile(tmp_path, create=True)) as file:
        file.add([entry(n) for n in range(9)])
        size = size_of(tmp_path)

    assert size > 9 * 5000
    assert size > (tmp_path / FILE_NAME).stat().st_size / 2


def test_what_is_older_is_taken_out(folder: Path) -> None:
    removed = prune(folder, Pruning(before=1003.0))

    assert removed == 3
    assert times(folder) == [3, 4, 5, 6, 7]


def test_what_is_of_a_model_is_taken_out(folder: Path) -> None:
    assert prune(folder, Pruning(model="other")) == 1
    assert times(folder) == [0, 1, 2, 3, 4, 5, 6]
    assert {kept.model for kept in contents(folder)} == {"m"}


def test_conditions_must_both_be_met(folder: Path) -> None:
    assert prune(folder, Pruning(before=1005.0, model="other")) == 0
    assert prune(folder, Pruning(before=1005.0, model="m")) == 5


def test_the_oldest_go_until_the_file_is_small_enough(folder: Path) -> None:
    before = size_of(folder)

    removed = prune(folder, Pruning(max_size=before // 2))

    assert 3 <= removed <= 6
    assert size_of(folder) <= before // 2
    assert times(folder) == list(range(removed, 8))


def test_a_size_below_that_of_an_empty_file_takes_all_out(folder: Path) -> None:
    assert prune(folder, Pruning(max_size=1)) == 8
    assert contents(folder) == []


def test_what_is_small_enough_stays(folder: Path) -> None:
    assert prune(folder, Pruning(max_size=10**9)) == 0


def test_a_model_that_is_not_there_is_told(folder: Path) -> None:
    for act in (
        lambda: prune(folder, Pruning(model="othre")),
        lambda: list(exported(folder, "othre")),
    ):
        with pytest.raises(OptionError, match=r"no answers of model 'othre'.*'other'"):
            act()


def test_an_export_has_questions_and_answers(folder: Path) -> None:
    (only,) = exported(folder, "other")

    assert only == {
        "key": (bytes([7]) * 32).hex(),
        "model": "other",
        "identity": {"model": "other"},
        "stored_at": 1007.0,
        "asked": {"kind": "generate"},
        "answer": {"text": "x" * 5000},
    }


def test_a_damaged_question_is_told(tmp_path: Path) -> None:
    folder = cache(tmp_path, [entry(1)._replace(asked=b"damaged")])

    with pytest.raises(CacheError, match=r"the answer 0101.* is damaged"):
        list(exported(folder))


def test_a_folder_without_a_cache_is_told(tmp_path: Path) -> None:
    for act in (contents, lambda at: prune(at, Pruning(max_size=1))):
        with pytest.raises(CacheError, match="there is no response cache in"):
            act(tmp_path)
