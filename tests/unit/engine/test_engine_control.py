from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pytest_evalkit.engine import (
    AdaptivePolicy,
    Allowance,
    Budget,
    BudgetSpent,
    Control,
    Engine,
    Event,
    LimitSet,
    Price,
    RetryPolicy,
    SharedPause,
)
from pytest_evalkit.errors import (
    BudgetSpentError,
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.messages import Message
from pytest_evalkit.models.mock import MockBackend
from pytest_evalkit.values import Generate, Response, Timing, Usage


def question(text: str, system: str = "") -> Generate:
    said = [Message.of_text("system", system)] if system else []
    return Generate(messages=(*said, Message.of_text("user", text)))


def refused(**keywords: Any) -> TransientModelError:
    return TransientModelError("HTTP 429", status=429, **keywords)


class Endpoint:
    """Answers or refuses by a script, and remembers what it was asked when.

    Time here is the number of sleeps that somebody has finished.
    """

    def __init__(self, *script: Exception | None) -> None:
        self.script = list(script)
        self.asked: list[str] = []
        self.flying = 0
        self.most = 0

    async def __call__(self, request: Generate) -> Response:
        self.asked.append(request.messages[-1].text)
        self.flying += 1
        self.most = max(self.most, self.flying)
        outcome = self.script.pop(0) if self.script else None
        try:
            for _ in range(3):
                await asyncio.sleep(0)
            if outcome is not None:
                raise outcome
        finally:
            self.flying -= 1
        return Response(text="4", usage=Usage(input_tokens=6, output_tokens=4))


def engine_of(handler: Callable[[Generate], Any], **keywords: Any) -> Engine:
    return Engine(MockBackend(handler), **{"rng": Random(1), **keywords})


async def ask_all(engine: Engine, *texts: str) -> list[Response | BaseException]:
    tasks = (engine.ask(question(text)) for text in texts)
    return await asyncio.gather(*tasks, return_exceptions=True)


class SlowClock:
    """A sleep that lasts until it is ended; shows who sleeps."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.ended = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await self.ended.wait()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_all_wait_where_the_endpoint_asks_to_wait_and_those_in_flight_go_on() -> None:
    async def scene() -> tuple[list[str], list[str], int]:
        clock = SlowClock()
        endpoint = Endpoint(refused(retry_after_s=7.0))
        engine = engine_of(endpoint, max_concurrency=2, sleep=clock.sleep)
        asking = asyncio.create_task(ask_all(engine, *"abcde"))
        await settle()
        during = list(endpoint.asked)
        clock.ended.set()
        answers = await asking
        assert 7.0 <= clock.seconds[0] <= 7.1
        return during, endpoint.asked, sum(isinstance(a, Response) for a in answers)

    during, asked, answered = asyncio.run(scene())

    assert during == ["a", "b"]
    assert (asked[2], sorted(asked[2:])) == ("a", ["a", "c", "d", "e"])
    assert answered == 5


def test_a_wait_that_one_engine_is_asked_for_holds_back_the_other(
    tmp_path: Path,
) -> None:
    def shared() -> Control:
        return Control(shared_pause=SharedPause(tmp_path / "pause", longest_s=120.0))

    async def scene() -> tuple[list[str], list[str], list[str]]:
        clock = SlowClock()
        asked, other = Endpoint(refused(retry_after_s=7.0)), Endpoint()
        first = engine_of(asked, sleep=clock.sleep, control=shared())
        second = engine_of(other, control=shared())
        waiting = asyncio.create_task(ask_all(first, "a"))
        await settle()
        held = asyncio.create_task(ask_all(second, "b"))
        await settle()
        during = list(other.asked)
        held.cancel()
        clock.ended.set()
        await settle()
        waiting.cancel()
        await asyncio.gather(held, waiting, return_exceptions=True)
        return asked.asked, during, other.asked

    first, during, after = asyncio.run(scene())

    assert (first, during, after) == (["a"], [], [])


def test_a_wait_that_is_too_long_to_be_waited_holds_back_nobody_else(
    tmp_path: Path,
) -> None:
    path = tmp_path / "pause"
    engine = engine_of(
        Endpoint(refused(retry_after_s=3600.0)),
        control=Control(shared_pause=SharedPause(path, longest_s=120.0)),
    )

    (failure,) = asyncio.run(ask_all(engine, "a"))

    assert isinstance(failure, TransientModelError)
    assert not path.exists()


def test_a_refusal_without_a_time_leaves_the_others_going() -> None:
    async def scene() -> list[str]:
        clock = SlowClock()
        endpoint = Endpoint(refused())
        engine = engine_of(endpoint, max_concurrency=1, sleep=clock.sleep)
        asking = asyncio.create_task(ask_all(engine, *"abc"))
        await settle()
        clock.ended.set()
        await asking
        return endpoint.asked

    assert asyncio.run(scene()) == ["a", "b", "c", "a"]


def test_a_wait_beyond_what_is_allowed_is_not_begun() -> None:
    async def scene() -> tuple[str, int, list[float]]:
        clock = SlowClock()
        engine = engine_of(
            Endpoint(refused(retry_after_s=3600.0)),
            policy=RetryPolicy(total_s=120.0),
            sleep=clock.sleep,
        )
        with pytest.raises(TransientModelError) as told:
            await engine.ask(question("a"))
        return str(told.value), told.value.attempts, clock.seconds

    message, attempts, slept = asyncio.run(scene())

    expected = "HTTP 429 (1 attempt, 3600 s to wait after 0 s, 120 s are allowed)"
    assert (message, attempts, slept) == (expected, 1, [])


def test_waits_add_up() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    engine = engine_of(
        Endpoint(*[refused(retry_after_s=50.0) for _ in range(9)]),
        policy=RetryPolicy(total_s=120.0, attempts=9),
        sleep=sleep,
    )

    with pytest.raises(TransientModelError, match="3 attempts, 50 s to wait after 100"):
        asyncio.run(engine.ask(question("a")))

    assert len(waits) == 2


def test_requests_that_begin_alike_are_sent_next_to_each_other() -> None:
    endpoint = Endpoint()
    engine = engine_of(endpoint, max_concurrency=1)
    requests = [
        question("now", "x"),
        question("b1", "be brief"),
        question("l1", "be long"),
        question("b2", "be brief"),
    ]

    async def scene() -> None:
        await asyncio.gather(*map(engine.ask, requests))

    asyncio.run(scene())

    assert endpoint.asked == ["now", "b1", "b2", "l1"]


def test_order_is_kept_where_it_is_to_be_kept() -> None:
    endpoint = Endpoint()
    engine = engine_of(endpoint, max_concurrency=1, control=Control(prefix_chars=None))
    requests = [question(text, f"system {n % 2}") for n, text in enumerate("abcde")]

    async def scene() -> None:
        await asyncio.gather(*map(engine.ask, requests))

    asyncio.run(scene())

    assert endpoint.asked == list("abcde")


def limits(events: list[Event]) -> list[tuple[int, str]]:
    return [(one.limit, one.reason) for one in events if isinstance(one, LimitSet)]


def test_a_limit_that_stays_is_told_once() -> None:
    events: list[Event] = []
    control = Control(listener=events.append, clock=lambda: 5.0)
    engine = engine_of(Endpoint(), max_concurrency=3, control=control)

    asyncio.run(ask_all(engine, *"abcdef"))

    assert events == [LimitSet(at=5.0, limit=3, reason="fixed")]


def test_a_limit_that_adapts_is_reached_and_never_passed() -> None:
    events: list[Event] = []
    endpoint = Endpoint()
    control = Control(adaptive=AdaptivePolicy(maximum=9), listener=events.append)
    engine = engine_of(endpoint, max_concurrency=4, control=control)

    asyncio.run(ask_all(engine, *map(str, range(100))))

    assert limits(events)[:3] == [(4, "start"), (5, "all well"), (6, "all well")]
    assert (engine.max_concurrency, endpoint.most) == (9, 9)


def test_a_refusal_cuts_the_limit_and_what_was_sent_before_does_not_count() -> None:
    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    events: list[Event] = []
    endpoint = Endpoint(*[None] * 6, refused(), refused())
    engine = engine_of(
        endpoint,
        max_concurrency=8,
        control=Control(adaptive=AdaptivePolicy(), listener=events.append),
        sleep=sleep,
    )

    answers = asyncio.run(ask_all(engine, *map(str, range(8))))

    assert limits(events) == [(8, "start"), (5, "1 of 8 refused")]
    assert all(isinstance(answer, Response) for answer in answers)


def test_only_the_attempt_that_succeeded_is_timed() -> None:
    now = [0.0]

    async def sleep(seconds: float) -> None:
        now[0] += seconds

    async def answer(_: Generate) -> Response:
        now[0] += 1.0
        if len(asked) < 4:
            asked.append(1)
            raise TransientModelError("HTTP 503", retry_after_s=20.0)
        return Response(text="4", timing=Timing(started_at=0.0, latency_s=1.0))

    asked: list[int] = []
    events: list[Event] = []
    control = Control(
        adaptive=AdaptivePolicy(target_latency_s=2.0, failure_threshold=1.0),
        listener=events.append,
        clock=lambda: now[0],
    )
    engine = engine_of(answer, max_concurrency=4, control=control, sleep=sleep)

    asyncio.run(ask_all(engine, *"abcdefgh"))

    assert all("p95" not in reason for _, reason in limits(events))


def test_requests_that_are_rejected_say_nothing_about_the_load() -> None:
    events: list[Event] = []
    control = Control(adaptive=AdaptivePolicy(), listener=events.append)
    script = [RequestRejectedError("HTTP 400") for _ in range(20)]
    engine = engine_of(Endpoint(*script), max_concurrency=4, control=control)

    asyncio.run(ask_all(engine, *map(str, range(20))))

    assert limits(events) == [(4, "start")]


def spending(allowance: Allowance, price: Price | None = None) -> Control:
    return Control(budget=Budget(allowance), price=price)


def test_when_the_budget_is_spent_those_in_flight_finish_and_no_other_is_sent() -> None:
    endpoint = Endpoint()
    engine = engine_of(
        endpoint, max_concurrency=2, control=spending(Allowance(max_total_tokens=25))
    )

    answers = asyncio.run(ask_all(engine, *"abcdefgh"))

    # Ten tokens each: three answers reach 25, and the fourth is then in flight.
    assert [isinstance(a, Response) for a in answers] == [True] * 4 + [False] * 4
    assert all(isinstance(answer, BudgetSpentError) for answer in answers[4:])
    assert str(answers[-1]).startswith("the budget is spent: 40 of 25 tokens")
    assert len(endpoint.asked) == 4


def test_the_end_of_a_budget_is_told_once() -> None:
    events: list[Event] = []
    control = Control(
        budget=Budget(Allowance(max_cost_usd=0.00001)),
        price=Price(input=1.0, output=1.0),
        listener=events.append,
        clock=lambda: 2.0,
    )

    engine = engine_of(Endpoint(), max_concurrency=1, control=control)

    asyncio.run(ask_all(engine, *"abc"))

    spent = [event for event in events if isinstance(event, BudgetSpent)]
    assert spent == [
        BudgetSpent(at=2.0, reason="0.0000 of 0.0000 USD (--max-cost)"),
    ]


def test_a_budget_that_was_enough_has_not_come_to_its_end() -> None:
    events: list[Event] = []
    budget = Budget(Allowance(max_total_tokens=30))
    control = Control(budget=budget, listener=events.append)

    answers = asyncio.run(ask_all(engine_of(Endpoint(), control=control), *"abc"))

    assert [isinstance(answer, Response) for answer in answers] == [True] * 3
    assert budget.total_tokens == 30
    assert [event for event in events if isinstance(event, BudgetSpent)] == []


def test_a_budget_that_cannot_be_kept_stops_the_run() -> None:
    engine = engine_of(lambda _: "4", control=spending(Allowance(max_total_tokens=25)))

    with pytest.raises(ModelUnavailableError, match="does not say how many tokens"):
        asyncio.run(engine.ask(question("a")))


def test_without_a_limit_uncounted_answers_are_no_matter() -> None:
    engine = engine_of(lambda _: "4", control=spending(Allowance()))

    assert asyncio.run(engine.ask(question("a"))).text == "4"
