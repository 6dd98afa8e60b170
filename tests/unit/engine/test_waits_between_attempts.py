from __future__ import annotations

import asyncio
from random import Random

import pytest

from pytest_evalkit.engine import Control, Engine, RetryPolicy
from pytest_evalkit.engine.drive import Ask
from pytest_evalkit.errors import TransientModelError
from pytest_evalkit.evaluate.request_log import RequestLog
from pytest_evalkit.messages import Message
from pytest_evalkit.models.mock import MockBackend
from pytest_evalkit.values import AnyResponse, Generate, Response, Timing

QUESTION = Generate(messages=(Message.of_text("user", "?"),))


class Clock:
    """Seconds that go by while somebody sleeps, or the endpoint answers."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def endpoint(clock: Clock, refusals: float) -> Engine:
    """Make one that asks to wait a second, so often, and then takes half a second."""
    left = refusals

    async def answer(_: Generate) -> Response:
        nonlocal left
        left -= 1
        if left >= 0:
            raise TransientModelError("HTTP 429", status=429, retry_after_s=1.0)
        started_at = clock()
        await clock.sleep(0.5)
        return Response(text="x", timing=Timing(started_at=started_at, latency_s=0.5))

    return Engine(
        MockBackend(answer),
        policy=RetryPolicy(total_s=10.0),
        control=Control(clock=clock),
        rng=Random(0),
        sleep=clock.sleep,
    )


async def asked(ask: Ask) -> AnyResponse:
    return await ask(QUESTION)


def test_waits_that_the_endpoint_asked_for_are_recorded_beside_the_latency() -> None:
    clock, log = Clock(), RequestLog()

    response = asyncio.run(asked(log.asking(endpoint(clock, 2).ask)))

    times = log.times(100.0)
    assert response.attempts == 3
    assert times["request_s"] == 0.5
    assert times["retry_wait_s"] >= 2
    assert times["sent_at_s"] == times["retry_wait_s"]


def test_an_endpoint_that_always_refuses_is_given_up_within_the_budget() -> None:
    clock, log = Clock(), RequestLog()

    with pytest.raises(TransientModelError) as caught:
        asyncio.run(asked(log.asking(endpoint(clock, float("inf")).ask)))

    assert clock.now <= 111.0
    assert caught.value.attempts == 5
    times = log.times(100.0)
    assert times["request_status"] == "errored"
    # The last attempt, not the first.
    assert times["sent_at_s"] >= 4
