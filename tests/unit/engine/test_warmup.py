from __future__ import annotations

import asyncio

import pytest

from pytest_evalkit.engine import salted, warm_up
from pytest_evalkit.errors import ModelUnavailableError, RequestRejectedError
from pytest_evalkit.messages import Message
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    Loglikelihood,
    Request,
    Response,
    RollingLoglikelihood,
)

CHAT = Generate(
    messages=(Message.of_text("system", "Be brief."), Message.of_text("user", "1+1?"))
)


def test_a_prompt_begins_as_no_measured_one_does() -> None:
    first, second, likely, whole = salted(
        [CHAT, CHAT, Loglikelihood(context="a", continuation="b"),
         RollingLoglikelihood(text="c")],
        "f00",
    )  # fmt: skip

    assert isinstance(first, Generate)
    assert [message.text for message in first.messages] == [
        "[warm-up f00-0] Be brief.",
        "1+1?",
    ]
    assert isinstance(second, Generate)
    assert second.messages[0].text == "[warm-up f00-1] Be brief."
    assert likely == Loglikelihood(context="[warm-up f00-2] a", continuation="b")
    assert whole == RollingLoglikelihood(text="[warm-up f00-3] c")


def test_what_fails_while_warming_up_is_counted() -> None:
    async def ask(request: Request) -> AnyResponse:
        if isinstance(request, Generate):
            raise RequestRejectedError("HTTP 400")
        return Response(text="x")

    asked: list[Request] = [CHAT, RollingLoglikelihood(text="c"), CHAT]

    assert asyncio.run(warm_up(ask, asked)) == (3, 2)


def test_an_endpoint_that_nobody_can_ask_ends_the_run() -> None:
    async def ask(_: Request) -> AnyResponse:
        raise ModelUnavailableError("HTTP 401")

    with pytest.raises(ModelUnavailableError, match="401"):
        asyncio.run(warm_up(ask, [CHAT]))


def test_a_fault_of_ours_is_no_failed_request() -> None:
    async def ask(_: Request) -> AnyResponse:
        raise TypeError("broken")

    with pytest.raises(TypeError, match="broken"):
        asyncio.run(warm_up(ask, [CHAT]))
