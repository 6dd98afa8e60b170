from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pytest_evalkit.errors import ModelUnavailableError, OptionError
from pytest_evalkit.messages import Message
from pytest_evalkit.models.openai_endpoint import OpenAIEndpoint
from pytest_evalkit.models.registry import make_backend
from pytest_evalkit.values import Generate

pytest.importorskip("openai")

AZURE = {"client": "sdk", "api_version": "2024-10-21", "api_key": "azure-key"}
QUESTION = Generate(messages=(Message.of_text("user", "2+2"),))
Asked = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "ENDPOINT", "AD_TOKEN"):
        monkeypatch.delenv(f"AZURE_OPENAI_{name}", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "not-for-azure")


def made(model: str = "openai", **arguments: Any) -> OpenAIEndpoint:
    backend = make_backend(model, {"model": "my-gpt", **AZURE, **arguments})
    assert isinstance(backend, OpenAIEndpoint)
    return backend


async def served(asked: Asked, ask: Callable[[str], Awaitable[str]]) -> str:
    """Run a server that takes what Azure takes, and notes it."""
    from aiohttp import web

    async def answer(request: web.Request) -> web.Response:
        asked.append(
            {
                "path": request.path,
                "query": dict(request.query),
                "headers": {name.lower(): v for name, v in request.headers.items()},
                "body": await request.json(),
            }
        )
        if request.headers.get("api-key") != "azure-key":
            error = {"code": "401", "message": "Access denied"}
            return web.json_response({"error": error}, status=401)
        said = {"message": {"content": "4"}, "text": "4", "finish_reason": "stop"}
        return web.json_response({"choices": [said]})

    app = web.Application()
    app.router.add_post("/{rest:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        return await ask(f"http://{host}:{port}")
    finally:
        await runner.cleanup()


def ask(asked: Asked, **arguments: Any) -> str:
    async def one(url: str) -> str:
        backend = made(base_url=url + arguments.pop("below", ""), **arguments)
        try:
            return (await backend.generate(QUESTION)).text
        finally:
            await backend.aclose()

    return asyncio.run(served(asked, one))


@pytest.mark.parametrize(
    ("model", "path", "field"),
    [
        ("openai", "/openai/deployments/my-gpt/chat/completions", "messages"),
        ("openai-completions", "/openai/deployments/my-gpt/completions", "prompt"),
    ],
)
def test_a_deployment_is_asked_with_its_own_header_and_version(
    model: str, path: str, field: str
) -> None:
    asked: Asked = []

    text = ask(asked, model=model, headers={"X-Team": "red"}, max_tokens=7)

    (request,) = asked
    assert text == "4"
    assert request["path"] == path
    assert request["query"] == {"api-version": "2024-10-21"}
    assert request["headers"]["api-key"] == "azure-key"
    assert request["headers"]["x-team"] == "red"
    assert "not-for-azure" not in str(request["headers"])
    assert "authorization" not in request["headers"]
    assert request["body"]["model"] == "my-gpt"
    assert request["body"]["max_tokens"] == 7
    assert field in request["body"]


def test_a_gateway_may_stand_below_a_path() -> None:
    asked: Asked = []

    ask(asked, below="/azure/")

    assert asked[0]["path"] == "/azure/openai/deployments/my-gpt/chat/completions"


def test_place_and_key_may_stand_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://name.openai.azure.com/")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "of-the-environment")
    # What is OpenAI's own is not Azure's.
    monkeypatch.setenv("OPENAI_BASE_URL", "https://elsewhere/v1")

    backend = made(api_key=None)

    assert backend.endpoint == "https://name.openai.azure.com"
    assert backend.connection.key == "of-the-environment"


def test_a_refusal_names_the_deployment_and_the_variable_of_the_key() -> None:
    with pytest.raises(ModelUnavailableError) as refused:
        ask([], api_key="wrong")

    told = str(refused.value)
    assert "/openai/deployments/my-gpt/chat/completions answered 401" in told
    assert "Access denied" in told
    assert "AZURE_OPENAI_API_KEY" in told
    assert "wrong" not in told


def test_the_version_is_described_and_the_key_is_not() -> None:
    described = made(base_url="https://name.openai.azure.com").describe()

    assert described["api_version"] == "2024-10-21"
    assert "azure-key" not in str(described)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"client": "aiohttp"}, "say client=sdk too"),
        ({"api_version": ""}, "must be a version such as 2024-10-21"),
        ({}, "AZURE_OPENAI_ENDPOINT"),
        ({"base_url": "name.openai.azure.com"}, "base_url must be an http"),
        ({"base_url": "https://h/openai/v1"}, "base_url is the resource alone"),
        ({"base_url": "https://h/openai/deployments/d"}, "got 'https://h/openai/dep"),
        ({"base_url": "https://h?api-version=1"}, "base_url is the resource alone"),
        ({"base_url": "https://h", "api_key": None}, "needs a key: AZURE_OPENAI_API"),
    ],
)
def test_what_makes_no_sense_is_told(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        made(**arguments)
