from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from pytest_evalkit.errors import RequestRejectedError, TransientModelError
from pytest_evalkit.messages import Message
from pytest_evalkit.models import Backend, MockBackend
from pytest_evalkit.models.chance import Constant, Random
from pytest_evalkit.models.oracle import Oracle
from pytest_evalkit.values import Generate, Origin, Response


def ask(backend: Backend, **origin: Any) -> str:
    where = Origin(**{"task": "t", "doc_id": 0, "doc": {}, **origin})
    request = Generate(messages=(Message.of_text("user", "Why?"),), origin=where)
    return asyncio.run(backend.generate(request)).text


def homeless() -> Generate:
    return Generate(messages=(Message.of_text("user", "Why?"),))


@pytest.mark.parametrize(
    ("target", "choices", "expected"),
    [
        ("seven", (), "seven"),
        ("", (), ""),
        (["first", "second"], (), "first"),
        (1, ("a", "b"), "b"),
        ([1], ("a", "b"), "b"),
        ("b", ("a", "b"), "b"),
        (7, (), "7"),
        (0.5, (), "0.5"),
    ],
)
def test_the_oracle_says_the_target(
    target: Any, choices: tuple[str, ...], expected: str
) -> None:
    assert ask(Oracle(), target=target, choices=choices) == expected


@pytest.mark.parametrize(
    ("target", "choices"),
    [
        (None, ()),
        ([], ()),
        ({"a": 1}, ()),
        (2, ("a", "b")),
        (-1, ("a", "b")),
        (True, ()),
    ],
)
def test_the_oracle_invents_no_answer(target: Any, choices: tuple[str, ...]) -> None:
    with pytest.raises(RequestRejectedError, match="document 0 of t"):
        ask(Oracle(), target=target, choices=choices)


def test_the_oracle_needs_a_document() -> None:
    with pytest.raises(RequestRejectedError, match="documents of a task"):
        asyncio.run(Oracle().generate(homeless()))


def test_a_constant_says_its_text_to_everything() -> None:
    backend = Constant(text="no")

    answers = [ask(backend, target="yes"), asyncio.run(backend.generate(homeless()))]

    assert answers[0] == "no"
    assert answers[1] == Response(text="no", finish_reason="stop")


def test_a_random_answer_is_one_of_the_choices_and_each_gets_its_share() -> None:
    backend = Random()

    drawn = Counter(
        ask(backend, doc_id=doc_id, choices=("a", "b", "c")) for doc_id in range(300)
    )

    # 100 are expected of each; five standard deviations are 41.
    assert set(drawn) == {"a", "b", "c"}
    assert all(59 <= count <= 141 for count in drawn.values())


def test_a_random_answer_follows_from_seed_task_document_and_repeat() -> None:
    def row(seed: int, **origin: Any) -> list[str]:
        backend = Random(seed=seed)
        return [ask(backend, doc_id=doc_id, **origin) for doc_id in range(40)]

    first = row(1)

    assert row(1) == first
    assert row(2) != first
    assert row(1, task="u") != first
    assert row(1, repeat=1) != first


def test_an_open_question_is_answered_with_a_short_word() -> None:
    answers = {ask(Random(), doc_id=doc_id) for doc_id in range(200)}

    assert {"yes", "no", "A", "7"} <= answers


def test_a_random_answer_needs_a_document() -> None:
    with pytest.raises(RequestRejectedError, match="documents of a task"):
        asyncio.run(Random().generate(homeless()))


def test_a_mock_answers_what_its_function_returns() -> None:
    whole = Response(text="b", finish_reason="length")

    assert ask(MockBackend(lambda _: "a")) == "a"
    assert asyncio.run(MockBackend(lambda _: whole).generate(homeless())) is whole


def test_a_mock_may_be_a_coroutine_function_that_raises() -> None:
    async def fail(request: Generate) -> str:
        raise TransientModelError("busy")

    with pytest.raises(TransientModelError, match="busy"):
        ask(MockBackend(fail))


def test_backends_that_do_not_wait_never_suspend() -> None:
    request = Generate(
        messages=(Message.of_text("user", "Why?"),),
        origin=Origin(task="t", doc_id=0, doc={}, target="x"),
    )

    for backend in (Oracle(), Random(), Constant(), MockBackend(lambda _: "x")):
        with pytest.raises(StopIteration):
            backend.generate(request).send(None)
