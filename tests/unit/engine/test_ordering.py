from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.engine.ordering import (
    NOTHING,
    Beginning,
    WaitingRoom,
    beginning_of,
)
from pytest_evalkit.messages import ImagePart, ImageSource, Message, TextPart
from pytest_evalkit.values import Generate, Loglikelihood, RollingLoglikelihood

_PNG = b"\x89PNG\r\n\x1a\n"


def order(waiting: dict[str, Beginning], patience: int = 256) -> list[str]:
    room: WaitingRoom[str] = WaitingRoom(patience)
    for name, beginning in waiting.items():
        room.add(name, beginning)
    return [room.take() for _ in range(len(room))]


def image(number: int) -> ImagePart:
    return ImagePart(ImageSource.of_bytes(_PNG + bytes([number])))


def test_nobody_overtakes_where_all_begin_alike() -> None:
    assert order(dict.fromkeys("abcdef", NOTHING)) == list("abcdef")


def test_nobody_overtakes_where_all_begin_differently() -> None:
    waiting = {name: Beginning("", (), name) for name in "abcdef"}

    assert order(waiting) == list("abcdef")


def test_questions_on_one_image_go_together_and_keep_their_order() -> None:
    waiting = {
        "cat 1": Beginning("", ("cat",), "how many"),
        "dog 1": Beginning("", ("dog",), "how many"),
        "cat 2": Beginning("", ("cat",), "what colour"),
        "dog 2": Beginning("", ("dog",), "what colour"),
        "cat 3": Beginning("", ("cat",), "how many"),
    }

    assert order(waiting) == ["cat 1", "cat 3", "cat 2", "dog 1", "dog 2"]


def test_the_system_text_counts_most() -> None:
    waiting = {
        "a1": Beginning("be brief", ("cat",), "x"),
        "b1": Beginning("be long", ("cat",), "x"),
        "a2": Beginning("be brief", ("dog",), "y"),
        "b2": Beginning("be long", ("dog",), "y"),
    }

    assert order(waiting) == ["a1", "a2", "b1", "b2"]


def test_who_comes_later_joins_those_alike() -> None:
    room: WaitingRoom[str] = WaitingRoom()
    cat, dog = Beginning("", ("cat",), ""), Beginning("", ("dog",), "")
    room.add("cat 1", cat)
    room.add("dog 1", dog)
    first = room.take()
    room.add("cat 2", cat)

    assert [first, room.take(), room.take()] == ["cat 1", "cat 2", "dog 1"]


def test_nobody_is_overtaken_for_ever() -> None:
    cat, dog = Beginning("", ("cat",), ""), Beginning("", ("dog",), "")
    room: WaitingRoom[str] = WaitingRoom(patience=3)
    room.add("cat", cat)
    taken = [room.take()]
    room.add("dog", dog)

    for number in range(5):
        room.add(f"cat {number}", cat)
        taken.append(room.take())

    assert taken == ["cat", "cat 0", "cat 1", "cat 2", "dog", "cat 3"]


def test_who_had_a_turn_already_goes_first() -> None:
    room: WaitingRoom[str] = WaitingRoom()
    room.add("new", NOTHING)
    room.add_first("again 1")
    room.add_first("again 2")

    assert [room.take() for _ in range(3)] == ["again 1", "again 2", "new"]


def test_who_has_gone_is_not_taken() -> None:
    room: WaitingRoom[str] = WaitingRoom()
    for name in "abc":
        room.add(name, NOTHING)
    room.add_first("d")

    room.discard("b")
    room.discard("d")
    room.discard("nobody")

    assert [room.take() for _ in range(len(room))] == ["a", "c"]
    with pytest.raises(IndexError):
        room.take()


_beginnings = st.builds(
    Beginning,
    st.sampled_from(["", "s"]),
    st.sampled_from([(), ("i",), ("i", "j")]),
    st.sampled_from(["", "x", "y"]),
)


@given(st.lists(_beginnings), st.integers(0, 9))
def test_everybody_gets_exactly_one_turn(
    beginnings: list[Beginning], patience: int
) -> None:
    waiting = {str(number): one for number, one in enumerate(beginnings)}

    taken = order(waiting, patience)

    assert sorted(taken) == sorted(waiting)


@given(st.lists(_beginnings))
def test_those_alike_are_one_run_in_order(beginnings: list[Beginning]) -> None:
    waiting = {str(number): one for number, one in enumerate(beginnings)}

    taken = order(waiting)

    runs = [
        name
        for before, name in zip([None, *taken], taken, strict=False)
        if before is None or waiting[before] != waiting[name]
    ]
    assert len(runs) == len(set(beginnings))
    for beginning in set(beginnings):
        alike = [int(name) for name in taken if waiting[name] == beginning]
        assert alike == sorted(alike)


def test_a_request_begins_with_system_text_media_and_text() -> None:
    request = Generate(
        messages=(
            Message.of_text("system", "be brief"),
            Message("user", (image(1), TextPart("how many?"), image(2))),
            Message.of_text("assistant", " two"),
        )
    )

    beginning = beginning_of(request, 256)

    first, second = image(1).source.sha256, image(2).source.sha256
    assert beginning == Beginning("be brief", (first, second), "how many? two")


def test_only_so_much_of_the_text_counts_and_never_less_than_32() -> None:
    long = Generate(messages=(Message.of_text("user", "x" * 99),))

    assert len(beginning_of(long, 50).text) == 50
    assert len(beginning_of(long, 3).text) == 32


def test_a_file_is_told_by_its_path_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "not-there.png"
    part = ImagePart(ImageSource.of(path))
    request = Generate(messages=(Message("user", (part,)),))

    assert beginning_of(request, 256).media == (str(path),)


def test_what_is_judged_begins_with_its_context() -> None:
    judged = Loglikelihood(context="a" * 40, continuation=" b")

    assert beginning_of(judged, 32) == Beginning("", (), "a" * 32)
    assert beginning_of(RollingLoglikelihood(text="ab"), 32) == Beginning("", (), "ab")
