from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from pytest_evalkit.engine import Engine, Model, RetryPolicy
from pytest_evalkit.errors import (
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.messages import Message
from pytest_evalkit.models.mock import MockBackend
from pytest_evalkit.values import Generate, Response

REQUEST = Generate(messages=(Message.of_text("user", "2+2"),))


class Waits:
    """A sleep that takes no time, and remembers."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Failing:
    """Raises what it is given, one after another, and then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked = 0

    def __call__(self, _: Generate) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return "4"


def engine_of(handler: Callable[[Generate], Any], **keywords: Any) -> Engine:
    return Engine(MockBackend(handler), **{"sleep": Waits(), **keywords})


def busy(**keywords: Any) -> TransientModelError:
    return TransientModelError("HTTP 503", **keywords)


def test_an_answer_is_passed_on_as_it_is() -> None:
    answer = Response(text="4")

    assert asyncio.run(engine_of(lambda _: answer).ask(REQUEST)) is answer


def test_a_passing_trouble_is_waited_out() -> None:
    waits = Waits()
    handler = Failing(busy(), busy())
    engine = engine_of(handler, sleep=waits, rng=Random(3))

    response = asyncio.run(engine.ask(REQUEST))

    rng = Random(3)
    assert response == Response(text="4", attempts=3)
    assert waits.seconds == [rng.uniform(0, 0.5), rng.uniform(0, 1.0)]


def test_the_endpoint_may_ask_for_a_longer_wait() -> None:
    waits = Waits()

    asyncio.run(engine_of(Failing(busy(retry_after_s=9.0)), sleep=waits).ask(REQUEST))

    assert 9.0 <= waits.seconds[0] <= 9.5


def test_attempts_are_bounded_and_told() -> None:
    handler = Failing(*[busy() for _ in range(9)])
    engine = engine_of(handler, policy=RetryPolicy(attempts=4))

    with pytest.raises(TransientModelError) as told:
        asyncio.run(engine.ask(REQUEST))

    assert str(told.value) == "HTTP 503 (4 attempts)"
    assert (told.value.attempts, handler.asked) == (4, 4)


def test_a_rejected_request_is_not_asked_again() -> None:
    handler = Failing(busy(), RequestRejectedError("too long"))

    with pytest.raises(RequestRejectedError, match=r"^too long$") as told:
        asyncio.run(engine_of(handler).ask(REQUEST))

    assert (told.value.attempts, handler.asked) == (2, 2)


def test_a_model_that_refuses_us_is_not_asked_again() -> None:
    handler = Failing(ModelUnavailableError("bad key"))

    with pytest.raises(ModelUnavailableError, match=r"^bad key$"):
        asyncio.run(engine_of(handler).ask(REQUEST))

    assert handler.asked == 1


def test_a_refusal_that_may_mean_one_request_does_once_others_were_answered() -> None:
    refusals = [
        ModelUnavailableError("HTTP 403", may_be_one_request=True) for _ in range(2)
    ]
    handler = Failing(refusals[0])
    engine = engine_of(handler)

    with pytest.raises(ModelUnavailableError, match=r"^HTTP 403$"):
        asyncio.run(engine.ask(REQUEST))
    asyncio.run(engine.ask(REQUEST))
    handler.errors.append(refusals[1])
    with pytest.raises(RequestRejectedError, match=r"^HTTP 403$") as told:
        asyncio.run(engine.ask(REQUEST))

    assert handler.asked == 3
    assert told.value.attempts == 1


def test_a_refusal_of_everything_stops_the_run_whatever_was_answered() -> None:
    handler = Failing()
    engine = engine_of(handler)
    asyncio.run(engine.ask(REQUEST))
    handler.errors.append(ModelUnavailableError("no quota"))

    with pytest.raises(ModelUnavailableError, match="no quota"):
        asyncio.run(engine.ask(REQUEST))


def test_an_endpoint_that_never_answered_is_given_up_after_three_attempts() -> None:
    handler = Failing(*[busy(is_unreachable=True) for _ in range(9)])

    with pytest.raises(ModelUnavailableError) as told:
        asyncio.run(engine_of(handler).ask(REQUEST))

    assert (told.value.attempts, handler.asked) == (3, 3)


def test_an_endpoint_that_has_answered_is_given_all_attempts() -> None:
    handler = Failing()
    engine = engine_of(handler, policy=RetryPolicy(attempts=6))

    async def twice() -> None:
        await engine.ask(REQUEST)
        handler.errors = [busy(is_unreachable=True) for _ in range(9)]
        await engine.ask(REQUEST)

    with pytest.raises(ModelUnavailableError):
        asyncio.run(twice())

    assert handler.asked == 1 + 6


def test_one_attempt_is_one_attempt_on_first_contact_too() -> None:
    handler = Failing(busy(is_unreachable=True))
    engine = engine_of(handler, policy=RetryPolicy(attempts=1))

    with pytest.raises(ModelUnavailableError):
        asyncio.run(engine.ask(REQUEST))

    assert handler.asked == 1


def test_a_slow_attempt_is_tried_again() -> None:
    durations = [60.0, 0.0]

    async def answer(_: Generate) -> str:
        await asyncio.sleep(durations.pop(0))
        return "4"

    engine = engine_of(answer, policy=RetryPolicy(timeout_s=0.02))

    response = asyncio.run(engine.ask(REQUEST))

    assert response.attempts == 2


def test_attempts_that_are_all_too_slow_are_told() -> None:
    async def answer(_: Generate) -> str:
        await asyncio.sleep(60)
        return "4"

    policy = RetryPolicy(timeout_s=0.01, attempts=2)

    with pytest.raises(
        TransientModelError, match=r"^no answer within 0.01 s \(2 attempts\)$"
    ):
        asyncio.run(engine_of(answer, policy=policy).ask(REQUEST))


def test_whatever_a_backend_raises_rejects_its_request_alone() -> None:
    handler = Failing(KeyError("choices"))
    engine = engine_of(handler)

    with pytest.raises(RequestRejectedError, match=r"^KeyError: 'choices'$") as told:
        asyncio.run(engine.ask(REQUEST))

    assert isinstance(told.value.__cause__, KeyError)
    assert asyncio.run(engine.ask(REQUEST)).text == "4"


def test_concurrency_is_reached_and_never_passed() -> None:
    flying, most = 0, 0

    async def answer(_: Generate) -> str:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.001)
        flying -= 1
        return "4"

    engine = engine_of(answer, max_concurrency=3)

    async def many() -> None:
        await asyncio.gather(*(engine.ask(REQUEST) for _ in range(20)))

    asyncio.run(many())

    assert most == 3


def test_an_engine_serves_one_loop_after_another() -> None:
    engine = engine_of(lambda _: "4", max_concurrency=1)

    texts = [asyncio.run(engine.ask(REQUEST)).text for _ in range(2)]

    assert texts == ["4", "4"]


def test_a_cancelled_request_gives_its_place_back() -> None:
    durations = [60.0, 0.0]

    async def answer(_: Generate) -> str:
        await asyncio.sleep(durations.pop(0))
        return "4"

    async def cancel_one() -> str:
        engine = engine_of(answer, max_concurrency=1)
        slow = asyncio.create_task(engine.ask(REQUEST))
        await asyncio.sleep(0)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        return (await engine.ask(REQUEST)).text

    assert asyncio.run(cancel_one()) == "4"


def model_of(handler: Callable[[Generate], Any]) -> Model:
    return Model(engine_of(handler), asyncio.run)


def test_a_model_is_asked_a_text_or_a_conversation() -> None:
    model = model_of(lambda request: "|".join(m.text for m in request.messages))
    conversation = [
        Message.of_text("system", "be brief"),
        Message.of_text("user", "hi"),
    ]

    assert model.ask("hello") == "hello"
    assert model.ask(conversation) == "be brief|hi"


def test_a_model_passes_parameters_on_and_refuses_unknown_ones() -> None:
    model = model_of(lambda request: str(request.parameters.max_tokens))

    assert model.ask("hello", max_tokens=7) == "7"
    with pytest.raises(TypeError, match="max_token"):
        asyncio.run(model.generate("hello", max_token=7))


def test_a_model_has_its_backends_name() -> None:
    assert model_of(lambda _: "4").name == "mock"
