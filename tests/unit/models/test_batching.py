from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from pytest_evalkit.errors import (
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.models.batching import Batching

Sent = list[tuple[str, ...]]


class Endpoint:
    """Shouts; will not hear of some, and is too busy for ``busy`` and ``gone``."""

    def __init__(self) -> None:
        self.sent: Sent = []
        self.cancelled = 0
        self.has_been_asked = asyncio.Event()

    async def send(
        self, settings: bytes, prompts: Sequence[str]
    ) -> list[str | ModelError]:
        self.sent.append(tuple(prompts))
        self.has_been_asked.set()
        if "never" in prompts:
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled += 1
        if "bad" in prompts:
            raise RequestRejectedError("bad is not served")
        if "forbidden" in prompts:
            raise ModelUnavailableError("HTTP 403", may_be_one_request=True)
        if "busy" in prompts:
            raise TransientModelError("busy", retry_after_s=2.0)
        return [
            TransientModelError("no choice") if prompt == "gone" else prompt.upper()
            for prompt in prompts
        ]


async def ask_all(
    batching: Batching[str, str], *prompts: str, settings: bytes = b"{}"
) -> list[str | BaseException]:
    asked = [batching.ask(settings, prompt) for prompt in prompts]
    return await asyncio.gather(*asked, return_exceptions=True)


def test_prompts_that_wait_together_go_as_one_request() -> None:
    endpoint = Endpoint()
    batching = Batching(endpoint.send, size=3)

    answers = asyncio.run(ask_all(batching, *"abcdefg"))

    assert answers == list("ABCDEFG")
    assert endpoint.sent == [("a", "b", "c"), ("d", "e", "f"), ("g",)]


def test_a_batch_of_one_leaves_at_once() -> None:
    endpoint = Endpoint()
    batching = Batching(endpoint.send, size=1)

    answers = asyncio.run(ask_all(batching, "a", "gone"))

    assert answers[0] == "A"
    assert isinstance(answers[1], TransientModelError)
    assert endpoint.sent == [("a",), ("gone",)]


def test_prompts_of_different_settings_do_not_go_together() -> None:
    endpoint = Endpoint()
    batching = Batching(endpoint.send, size=2)

    async def ask() -> None:
        await asyncio.gather(
            *(batching.ask(b'{"seed":%d}' % (n % 2), str(n)) for n in range(4))
        )

    asyncio.run(ask())

    assert sorted(endpoint.sent) == [("0", "2"), ("1", "3")]


def test_a_prompt_that_is_rejected_does_not_take_the_others_down() -> None:
    endpoint = Endpoint()
    batching = Batching(endpoint.send, size=3)

    answers = asyncio.run(ask_all(batching, "a", "bad", "c"))

    assert answers[0] == "A"
    assert isinstance(answers[1], RequestRejectedError)
    assert answers[2] == "C"
    assert endpoint.sent == [("a", "bad", "c"), ("a",), ("bad",), ("c",)]


def test_a_prompt_that_is_forbidden_fails_alone_once_the_endpoint_has_answered() -> (
    None
):
    endpoint = Endpoint()
    batching = Batching(endpoint.send, size=2)

    strange = asyncio.run(ask_all(batching, "a", "forbidden"))
    first = asyncio.run(ask_all(batching, "a", "b"))
    known = asyncio.run(ask_all(batching, "a", "forbidden"))

    assert [type(one) for one in strange] == [ModelUnavailableError] * 2
    assert first == ["A", "B"]
    assert known[0] == "A"
    assert isinstance(known[1], ModelUnavailableError)
    assert endpoint.sent[2:] == [("a", "forbidden"), ("a",), ("forbidden",)]


def test_a_batch_without_an_answer_fails_each_with_an_error_of_its_own() -> None:
    batching = Batching(Endpoint().send, size=2)

    first, second = asyncio.run(ask_all(batching, "a", "busy"))

    assert isinstance(first, TransientModelError)
    assert isinstance(second, TransientModelError)
    assert first is not second
    assert first.retry_after_s == second.retry_after_s == 2.0


def test_a_prompt_without_an_answer_of_its_own_fails_alone() -> None:
    batching = Batching(Endpoint().send, size=2)

    first, second = asyncio.run(ask_all(batching, "a", "gone"))

    assert first == "A"
    assert isinstance(second, TransientModelError)


async def ask_two(
    batching: Batching[str, str], making: Callable[[], Awaitable[object]]
) -> list[str]:
    """Ask at once, and beside it with a prompt that takes some time to be made."""

    async def make() -> str:
        with batching.coming():
            await making()
        return await batching.ask(b"{}", "b")

    first, second = await asyncio.gather(batching.ask(b"{}", "a"), make())
    return [first, second]


def test_a_batch_waits_for_a_prompt_that_is_being_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Whatever else this machine has to do.
    monkeypatch.setattr("pytest_evalkit.models.batching._LONGEST_GATHERING_S", 60.0)
    endpoint = Endpoint()
    batching = Batching(endpoint.send, size=2)

    answers = asyncio.run(ask_two(batching, lambda: asyncio.sleep(0.02)))

    assert answers == ["A", "B"]
    assert endpoint.sent == [("a", "b")]


def test_a_batch_does_not_wait_for_long() -> None:
    async def scene() -> tuple[list[str], Sent]:
        endpoint = Endpoint()
        batching = Batching(endpoint.send, size=2)
        answers = await ask_two(batching, endpoint.has_been_asked.wait)
        return answers, endpoint.sent

    answers, sent = asyncio.run(scene())

    assert answers == ["A", "B"]
    assert sent == [("a",), ("b",)]


def test_who_no_longer_waits_is_left_out() -> None:
    endpoint = Endpoint()
    batching = Batching(endpoint.send, size=3)

    async def ask() -> str:
        gone = asyncio.ensure_future(batching.ask(b"{}", "a"))
        stays = asyncio.ensure_future(batching.ask(b"{}", "b"))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert asyncio.run(ask()) == "B"
    assert endpoint.sent == [("b",)]


def test_a_request_goes_on_while_one_waits_and_stops_when_none_does() -> None:
    endpoint = Endpoint()
    batching = Batching(endpoint.send, size=2)

    async def ask() -> list[int]:
        tasks = [
            asyncio.ensure_future(batching.ask(b"{}", prompt))
            for prompt in ("a", "never")
        ]
        await endpoint.has_been_asked.wait()
        seen = []
        for task in tasks:
            task.cancel()
            await asyncio.wait([task])
            for _ in range(3):
                await asyncio.sleep(0)
            seen.append(endpoint.cancelled)
        return seen

    assert asyncio.run(ask()) == [0, 1]


def test_it_serves_one_loop_after_another() -> None:
    batching = Batching(Endpoint().send, size=2)

    answers = [asyncio.run(ask_all(batching, "a", "b", "c")) for _ in range(2)]

    assert answers == [["A", "B", "C"]] * 2


def test_what_is_not_a_model_error_reaches_all_who_wait() -> None:
    async def broken(_: bytes, __: Sequence[str]) -> list[str | ModelError]:
        raise ZeroDivisionError

    answers = asyncio.run(ask_all(Batching(broken, size=2), "a", "b"))

    assert [type(answer) for answer in answers] == [ZeroDivisionError] * 2


def test_an_endpoint_that_refuses_us_is_not_asked_again() -> None:
    asked: Sent = []

    async def closed(_: bytes, prompts: Sequence[str]) -> list[str | ModelError]:
        asked.append(tuple(prompts))
        raise ModelUnavailableError("no key")

    with pytest.raises(ModelUnavailableError, match="no key"):
        asyncio.run(Batching(closed, size=1).ask(b"{}", "a"))
    answers = asyncio.run(ask_all(Batching(closed, size=2), "a", "b"))

    assert [type(answer) for answer in answers] == [ModelUnavailableError] * 2
    assert asked == [("a",), ("a", "b")]
