from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from pytest_evalkit.engine import Allowance, Budget, Control, Engine, Model
from pytest_evalkit.engine.limiter import Limiter
from pytest_evalkit.engine.ordering import NOTHING
from pytest_evalkit.engine.place import KeptPlace
from pytest_evalkit.errors import BudgetSpentError, TransientModelError
from pytest_evalkit.messages import Message
from pytest_evalkit.models.mock import MockBackend
from pytest_evalkit.values import Generate, Response, Usage


def asking(text: str) -> Generate:
    return Generate(messages=(Message.of_text("user", text),))


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def no_wait(_: float) -> None:
    await asyncio.sleep(0)


def engine_of(answer: Callable[[Generate], Any], **keywords: Any) -> Engine:
    return Engine(MockBackend(answer), **{"sleep": no_wait, **keywords})


def run(scene: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(scene)


def test_requests_of_a_kept_place_go_before_all_who_wait() -> None:
    asked: list[str] = []

    def answer(request: Generate) -> str:
        asked.append(request.messages[0].text)
        return "ok"

    async def scene() -> None:
        engine = engine_of(answer, max_concurrency=1)
        async with engine.keep(asking("kept 1")) as ask:
            waiting = [asyncio.create_task(engine.ask(asking(n))) for n in "ab"]
            for number in range(1, 4):
                await settle()
                await ask(asking(f"kept {number}"))
            assert asked == ["kept 1", "kept 2", "kept 3"]
        await asyncio.gather(*waiting)

    run(scene())

    assert asked == ["kept 1", "kept 2", "kept 3", "a", "b"]


def test_as_many_places_are_kept_as_there_are() -> None:
    under_way: list[int] = []

    async def scene() -> list[int]:
        engine = engine_of(lambda _: "ok", max_concurrency=3)
        active = 0

        async def hold(number: int) -> None:
            nonlocal active
            async with engine.keep(asking(str(number))) as ask:
                active += 1
                for _ in range(4):
                    await ask(asking(str(number)))
                    under_way.append(active)
                    await asyncio.sleep(0)
                active -= 1

        await asyncio.gather(*map(hold, range(9)))
        return under_way

    assert max(run(scene())) == 3


def test_a_place_is_kept_while_a_request_is_tried_again() -> None:
    errors = [TransientModelError("HTTP 503")]

    def answer(_: Generate) -> str:
        if errors:
            raise errors.pop()
        return "ok"

    async def scene() -> Response:
        engine = engine_of(answer, max_concurrency=1)
        async with engine.keep(asking("a")) as ask:
            response = await ask(asking("a"))
        assert isinstance(response, Response)
        # It was given back: another may have it.
        await engine.ask(asking("b"))
        return response

    assert run(scene()).attempts == 2


def test_whoever_keeps_a_place_waits_while_all_do_and_then_goes_first() -> None:
    async def scene() -> list[str]:
        limiter = Limiter(lambda: 1)
        assert limiter.try_enter()
        place = KeptPlace(limiter)
        entered: list[str] = []

        async def enter(name: str, way: Limiter | KeptPlace) -> None:
            await way.enter(NOTHING)
            entered.append(name)

        other = asyncio.create_task(enter("other", limiter))
        await settle()
        limiter.pause()
        assert not place.try_enter()
        kept = asyncio.create_task(enter("kept", place))
        await settle()
        assert entered == []
        limiter.resume()
        await kept
        assert entered == ["kept"]
        place.give_back()
        await other
        return entered

    assert run(scene()) == ["kept", "other"]


def test_a_place_that_was_given_back_while_waiting_is_not_given_back_twice() -> None:
    async def scene() -> int:
        limiter = Limiter(lambda: 1)
        assert limiter.try_enter()
        place = KeptPlace(limiter)
        limiter.pause()
        waiting = asyncio.create_task(place.enter(None))
        await settle()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        place.give_back()
        return limiter.active

    assert run(scene()) == 0


def test_no_place_is_kept_where_nothing_may_be_spent() -> None:
    budget = Budget(Allowance(max_total_tokens=5))
    spending = Usage(input_tokens=4, output_tokens=4)
    answer = Response(text="ok", usage=spending)

    async def scene() -> None:
        engine = engine_of(lambda _: answer, control=Control(budget=budget))
        async with engine.keep(asking("a")) as ask:
            await ask(asking("a"))
            with pytest.raises(BudgetSpentError):
                await ask(asking("a"))
        with pytest.raises(BudgetSpentError):
            async with engine.keep(asking("b")):
                pytest.fail("it was let in")

    run(scene())


def test_a_model_keeps_places_of_its_engine() -> None:
    async def scene() -> Any:
        engine = engine_of(lambda _: "ok", max_concurrency=1)
        model = Model(engine, asyncio.run)
        async with model.keep(asking("a")) as ask:
            return await ask(asking("a"))

    assert run(scene()) == Response(text="ok")
