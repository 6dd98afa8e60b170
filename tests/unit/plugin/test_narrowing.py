from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.plugin.collection import DocumentItem
from pytest_evalkit.plugin.options import RunOptions
from pytest_evalkit.plugin.place import Share
from pytest_evalkit.plugin.selection import narrow, take_share

_ALL = RunOptions(**dict.fromkeys(RunOptions.__slots__))  # type: ignore[arg-type]  # what counts is set below
_NONE_LEFT_OUT = replace(_ALL, offset=0)


class Plain:
    """An item that is no document."""


class Node(SimpleNamespace):
    """A task, known by itself alone, as pytest's nodes are."""

    def __hash__(self) -> int:  # type: ignore[override]  # as nodes have it
        return id(self)


def documents(task: str, count: int, bundles: str | None = None) -> list[Any]:
    """Items of one task, without the session that pytest would want for them.

    A letter of ``bundles`` for each says what belongs together; a dot stands alone.
    """
    keys = None if bundles is None else [None if x == "." else x for x in bundles]
    node = Node(name=task, opened=SimpleNamespace(bundles=keys))
    items = []
    for number in range(count):
        item: Any = object.__new__(DocumentItem)
        item.parent = node
        item.name = f"{task}{number}"
        item.doc_id = number
        items.append(item)
    return items


def names(items: list[Any]) -> list[str]:
    return [getattr(item, "name", "plain") for item in items]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "a0 a1 a2 a3 a4"),
        ({"limit": 2.0}, "a0 a1"),
        ({"limit": 9.0}, "a0 a1 a2 a3 a4"),
        ({"limit": 0.5}, "a0 a1 a2"),
        ({"limit": 0.01}, "a0"),
        ({"offset": 3}, "a3 a4"),
        ({"offset": 9}, ""),
        ({"offset": 1, "limit": 2.0}, "a1 a2"),
        ({"shard": (2, 2)}, "a1 a3"),
        ({"shard": (6, 6)}, ""),
        ({"offset": 1, "limit": 3.0, "shard": (1, 2)}, "a1 a3"),
    ],
)
def test_the_options_leave_a_part_of_a_task(
    changes: dict[str, Any], expected: str
) -> None:
    items = documents("a", 5)

    removed = list(narrow(items, replace(_NONE_LEFT_OUT, **changes)).removed)

    assert names(items) == expected.split()
    assert sorted(names(items) + names(removed)) == [f"a{n}" for n in range(5)]


def test_each_task_is_narrowed_alone_and_other_items_stay() -> None:
    items = [Plain(), *documents("a", 3), *documents("b", 3), Plain()]

    narrow(items, replace(_NONE_LEFT_OUT, limit=1.0))

    assert names(items) == ["plain", "a0", "b0", "plain"]


@given(
    st.integers(0, 40),
    st.integers(1, 9),
    st.integers(0, 12),
    st.none() | st.integers(1, 50).map(float) | st.floats(0.01, 0.99),
)
def test_shards_part_what_offset_and_limit_leave(
    count: int, shards: int, offset: int, limit: float | None
) -> None:
    options = replace(_NONE_LEFT_OUT, offset=offset, limit=limit)
    whole = documents("a", count)
    narrow(whole, options)

    parts = []
    for index in range(1, shards + 1):
        part = documents("a", count)
        narrow(part, replace(options, shard=(index, shards)))
        parts.append(names(part))

    sizes = list(map(len, parts))
    assert sorted(name for part in parts for name in part) == sorted(names(whole))
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 12))
def test_workers_part_a_session_with_documents(
    count: int, workers: int, most: int
) -> None:
    parts = []
    for number in range(workers):
        items = [Plain(), *documents("a", count)]
        take_share(items, Share(number, workers).among(most))
        parts.append(names(items))

    expected = names([Plain(), *documents("a", count)])
    assert sorted(name for part in parts for name in part) == sorted(expected)
    assert sum(map(bool, parts)) <= most


@pytest.mark.parametrize(
    ("bundles", "changes", "expected"),
    [
        ("aabbcc", {"limit": 1.0}, "a0 a1"),
        ("aabbcc", {"limit": 3.0}, "a0 a1 a2 a3"),
        ("aabbcc", {"limit": 4.0}, "a0 a1 a2 a3"),
        ("aabbcc", {"limit": 0.5}, "a0 a1 a2 a3"),
        ("aabbcc", {"offset": 1}, "a2 a3 a4 a5"),
        ("aabbcc", {"offset": 2, "limit": 1.0}, "a2 a3"),
        ("aabbcc", {"offset": 1, "limit": 1.0}, ""),
        ("aabbcc", {"shard": (2, 2)}, "a2 a3"),
        ("aabbcc", {"shard": (1, 2)}, "a0 a1 a4 a5"),
        ("abab..", {"limit": 1.0}, "a0 a2"),
        ("abab..", {"limit": 3.0}, "a0 a1 a2 a3"),
        ("abab..", {"offset": 3, "limit": 2.0}, "a4"),
        ("......", {"limit": 3.0}, "a0 a1 a2"),
    ],
)
def test_documents_that_belong_together_stay_together(
    bundles: str, changes: dict[str, Any], expected: str
) -> None:
    items = documents("a", 6, bundles)

    narrow(items, replace(_NONE_LEFT_OUT, **changes))

    assert names(items) == expected.split()


@given(
    st.text("abcdef.", max_size=30),
    st.integers(1, 4),
    st.integers(1, 9),
    st.booleans(),
)
def test_parts_of_bundled_documents_are_whole_and_exact(
    bundles: str, shards: int, step: int, is_by_limit: bool
) -> None:
    parts = []
    for number in range(shards if not is_by_limit else 30):
        items = documents("a", len(bundles), bundles)
        changes = (
            {"offset": number * step, "limit": float(step)}
            if is_by_limit
            else {"shard": (number + 1, shards)}
        )
        narrow(items, replace(_NONE_LEFT_OUT, **changes))
        parts.append([item.doc_id for item in items])

    assert sorted(doc for part in parts for doc in part) == list(range(len(bundles)))
    for key in set(bundles) - {"."}:
        members = [doc for doc, letter in enumerate(bundles) if letter == key]
        assert sum(not set(members).isdisjoint(part) for part in parts) == 1


def test_workers_get_whole_bundles_of_each_task() -> None:
    shares = []
    for number in range(2):
        items = [*documents("a", 4, "xxyy"), *documents("b", 4, "xyxy"), Plain()]
        take_share(items, Share(number, 2))
        shares.append(names(items))

    assert shares == [["a0", "a1", "b0", "b2", "plain"], ["a2", "a3", "b1", "b3"]]


def test_a_limit_that_bundles_make_another_is_told() -> None:
    items = documents("a", 6, "aabbcc")

    notes = narrow(items, replace(_NONE_LEFT_OUT, offset=1, limit=3.0)).notes

    (note,) = notes
    assert note.startswith("a: --offset 1 --limit 3 takes 2 documents in place of 3,")
    assert not narrow(items, replace(_NONE_LEFT_OUT, limit=2.0)).notes


def test_a_session_without_documents_is_not_parted() -> None:
    items: list[Any] = [Plain(), Plain(), Plain()]

    take_share(items, Share(0, 2))

    assert len(items) == 3


def cases(module: str, count: int) -> list[Any]:
    """Tests in Python that ask for the model."""
    return [
        Node(name=f"{module}{n}", path=Path(module), fixturenames=("model",))
        for n in range(count)
    ]


def test_a_shard_takes_its_share_of_cases_and_leaves_other_tests() -> None:
    items = [*cases("c", 2), Plain(), *cases("c", 5)[2:], Plain()]

    narrow(items, replace(_NONE_LEFT_OUT, limit=1.0, shard=(2, 2)))

    assert names(items) == ["c1", "plain", "c3", "plain"]


def test_what_shards_were_taken_of_is_the_same_for_all() -> None:
    wholes = []
    for index in (1, 2, 3):
        items = documents("a", 7)
        options = replace(_NONE_LEFT_OUT, offset=1, limit=5.0, shard=(index, 3))
        (whole,) = narrow(items, options).wholes.values()
        wholes.append(whole)

    others = documents("a", 7)
    (other,) = narrow(others, replace(_NONE_LEFT_OUT, shard=(1, 3))).wholes.values()

    assert wholes[0]["documents"] == 5
    assert wholes == wholes[:1] * 3
    assert other["digest"] != wholes[0]["digest"]


def test_nothing_is_said_of_a_whole_without_shards() -> None:
    narrowed = narrow(documents("a", 7), replace(_NONE_LEFT_OUT, limit=5.0))

    assert not narrowed.wholes
