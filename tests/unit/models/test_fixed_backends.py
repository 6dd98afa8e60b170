from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from pytest_evalkit.errors import (
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.messages import Message
from pytest_evalkit.models import Backend, MockBackend
from pytest_evalkit.models.backend import LoglikelihoodBackend
from pytest_evalkit.models.chance import Constant, Random
from pytest_evalkit.models.oracle import Oracle
from pytest_evalkit.values import (
    Generate,
    Loglikelihood,
    LoglikelihoodResponse,
    Origin,
    Response,
    RollingLoglikelihood,
)


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


CHOICES = ("red", "dark red", "blue")


def logprobs(
    backend: LoglikelihoodBackend,
    *,
    context: str = "Colour:",
    choices: tuple[str, ...] = CHOICES,
    **origin: Any,
) -> list[float]:
    """Ask how likely each choice is, with the space that tasks put before it."""
    where = Origin(
        **{"task": "t", "doc_id": 0, "doc": {}, "choices": choices, **origin}
    )
    requests = [
        Loglikelihood(context=context, continuation=f" {choice}", origin=where)
        for choice in choices
    ]
    return [asyncio.run(backend.loglikelihood(request)).logprob for request in requests]


@pytest.mark.parametrize("target", [0, 1, 2])
def test_the_oracle_finds_the_target_likeliest(target: int) -> None:
    found = logprobs(Oracle(), target=target)

    assert found.index(max(found)) == target
    # Also where scores are divided by the length of the choice.
    by_length = [
        logprob / len(choice) for logprob, choice in zip(found, CHOICES, strict=True)
    ]
    assert by_length.index(max(by_length)) == target


@pytest.mark.parametrize("target", [0, 1])
def test_the_oracle_finds_the_target_that_ends_a_context(target: int) -> None:
    where = Origin(
        task="t", doc_id=0, doc={}, target=target, choices=("The cat", "The mat")
    )
    requests = [
        Loglikelihood(context=choice, continuation=" was flat.", origin=where)
        for choice in where.choices
    ]

    found = [asyncio.run(Oracle().loglikelihood(one)).logprob for one in requests]

    assert found.index(max(found)) == target


def test_what_the_oracle_would_say_is_greedy() -> None:
    where = Origin(task="t", doc_id=0, doc={}, target="blue")
    request = Loglikelihood(context="Colour:", continuation=" blue", origin=where)

    response = asyncio.run(Oracle().loglikelihood(request))

    assert response == LoglikelihoodResponse(logprob=0.0, is_greedy=True)


@pytest.mark.parametrize("backend", [Oracle(), Random()])
def test_likelihoods_outside_of_a_document_are_refused(
    backend: LoglikelihoodBackend,
) -> None:
    request = Loglikelihood(context="Colour:", continuation=" blue")

    with pytest.raises(RequestRejectedError, match="documents of a task only"):
        asyncio.run(backend.loglikelihood(request))


def test_random_likelihoods_make_every_choice_win_about_as_often() -> None:
    winners = Counter(
        found.index(max(found))
        for found in (logprobs(Random(), doc_id=doc_id) for doc_id in range(600))
    )

    # Each is expected 200 times; the standard deviation is 11.5.
    assert set(winners) == {0, 1, 2}
    assert all(150 < times < 250 for times in winners.values())


def test_random_likelihoods_depend_on_seed_place_and_texts_alone() -> None:
    assert logprobs(Random(seed=1)) == logprobs(Random(seed=1))
    assert logprobs(Random(seed=1)) != logprobs(Random(seed=2))
    assert logprobs(Random(), doc_id=0) != logprobs(Random(), doc_id=1)
    assert logprobs(Random(), context="Hue:") != logprobs(Random())


def test_a_constant_finds_its_text_certain_and_the_rest_alike() -> None:
    assert logprobs(Constant(text="blue")) == [-100.0, -100.0, 0.0]


def test_a_constant_without_a_text_prefers_no_choice() -> None:
    assert len(set(logprobs(Constant()))) == 1


def test_to_chance_every_byte_of_a_text_is_as_likely() -> None:
    request = RollingLoglikelihood(text="na\u00efve")

    response = asyncio.run(Random().rolling_loglikelihood(request))

    # Six bytes of eight bits each.
    assert response.logprob == pytest.approx(-48 * 0.6931471805599453)


def test_a_mock_tells_the_likelihood_that_its_handler_says() -> None:
    async def slowly(request: Any) -> LoglikelihoodResponse:
        await asyncio.sleep(0)
        size = len(request.continuation)
        return LoglikelihoodResponse(logprob=-float(size), is_greedy=True, n_tokens=2)

    plain = MockBackend(lambda _: "", likelihood=lambda _: -0.5)
    rich = MockBackend(lambda _: "", likelihood=slowly)

    assert logprobs(plain) == [-0.5] * 3
    assert logprobs(rich) == [-4.0, -9.0, -5.0]
    rolled = asyncio.run(plain.rolling_loglikelihood(RollingLoglikelihood(text="a")))
    assert rolled == LoglikelihoodResponse(logprob=-0.5, is_greedy=False)


def test_a_mock_without_a_handler_for_it_tells_no_likelihood() -> None:
    with pytest.raises(ModelUnavailableError, match="--model openai-completions"):
        logprobs(MockBackend(lambda _: "x"))
