"""How what a model is asked is spread over the processes that hold it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.engine import Engine, RetryPolicy
from pytest_evalkit.errors import ModelUnavailableError
from pytest_evalkit.host.client import HostedModel, hosted_model, hosts_dict
from pytest_evalkit.messages import Message
from pytest_evalkit.models import MockBackend
from pytest_evalkit.values import Generate

if TYPE_CHECKING:
    from tests.unit.host.conftest import Serve

KEY = "only ours"


def root(url: str) -> str:
    return url.removesuffix("/v1")


def using(model: HostedModel, ask: Callable[[], Awaitable[Any]]) -> Any:
    async def asked() -> Any:
        try:
            return await ask()
        finally:
            await model.aclose()

    return asyncio.run(asked())


def one(text: str) -> Generate:
    return Generate(messages=(Message.of_text("user", text),))


class Counting:
    """Waits until all requests of a round are there, and says which copy answered."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def answer(self, _: Generate) -> str:
        await asyncio.sleep(0)
        return self.name


def spread(names: Sequence[str], serve: Serve, requests: int) -> list[str]:
    backends = [MockBackend(Counting(name).answer) for name in names]
    urls = [root(serve(backend, key=KEY)) for backend in backends]
    model = hosted_model(hosts_dict(backends[0], urls, KEY), 0)

    async def all_at_once() -> list[str]:
        asked = (model.generate(one(str(n))) for n in range(requests))
        return [answer.text for answer in await asyncio.gather(*asked)]

    texts: list[str] = using(model, all_at_once)
    return texts


def test_requests_are_spread_evenly_over_the_hosts(serve: Serve) -> None:
    texts = spread(["a", "b"], serve, 12)

    assert sorted(texts) == ["a"] * 6 + ["b"] * 6


def test_a_host_that_is_gone_is_asked_no_more(serve: Serve) -> None:
    backend = MockBackend(lambda _: "here")
    urls = ["http://127.0.0.1:1", root(serve(backend, key=KEY))]
    model = hosted_model(hosts_dict(backend, urls, KEY), 0)
    engine = Engine(model, policy=RetryPolicy(base_s=0.001), max_concurrency=4)

    async def all_at_once() -> list[str]:
        asked = (engine.ask(one(str(n))) for n in range(8))
        return [answer.text for answer in await asyncio.gather(*asked)]

    assert using(model, all_at_once) == ["here"] * 8


def test_a_model_whose_hosts_are_gone_stops_the_run() -> None:
    backend = MockBackend(lambda _: "")
    model = hosted_model(hosts_dict(backend, ["http://127.0.0.1:1"], KEY), 0)
    engine = Engine(model, policy=RetryPolicy(base_s=0.001))

    with pytest.raises(ModelUnavailableError, match="cannot reach"):
        using(model, lambda: engine.ask(one("q")))
