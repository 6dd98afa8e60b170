from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import OptionError, RequestRejectedError
from pytest_evalkit.messages import Message
from pytest_evalkit.mockserver import MockServer, serve_in_thread
from pytest_evalkit.mockserver.answers import echo
from pytest_evalkit.models import make_backend
from pytest_evalkit.models.openai_chat import OpenAIChat
from pytest_evalkit.values import Generate, GenerationParameters, Tool


def made(**arguments: Any) -> OpenAIChat:
    backend = make_backend("openai", {"model": "m", **arguments})
    assert isinstance(backend, OpenAIChat)
    return backend


def question(**parameters: Any) -> Generate:
    return Generate(
        messages=(Message.of_text("user", "Why?"),),
        parameters=GenerationParameters(**parameters),
    )


def payload_of(request: Generate | None = None, **arguments: Any) -> dict[str, Any]:
    return asyncio.run(made(**arguments).payload(request or question()))


@pytest.mark.parametrize("name", ["model_version", "pretrained", "model"])
def test_the_model_has_the_names_that_other_harnesses_give_it(name: str) -> None:
    assert make_backend("openai", {name: "gpt-x"}).model_name == "gpt-x"


@pytest.mark.parametrize("name", ["max_new_tokens", "max_gen_toks", "max_tokens"])
def test_the_bound_of_tokens_has_the_names_that_tasks_give_it(name: str) -> None:
    settings: dict[str, Any] = {name: 512}

    assert payload_of(**settings)["max_tokens"] == 512


def test_every_setting_is_sent() -> None:
    settings: dict[str, Any] = {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "seed": 7,
        "frequency_penalty": 0.1,
        "presence_penalty": -0.2,
        "response_format": {"type": "json_object"},
        "extra_body": {"chat_template_kwargs": {"enable_thinking": False}},
    }

    payload = payload_of(**settings, top_logprobs=3)

    assert payload == {
        "model": "m",
        "messages": [{"role": "user", "content": "Why?"}],
        "max_tokens": 1024,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "seed": 7,
        "frequency_penalty": 0.1,
        "presence_penalty": -0.2,
        "logprobs": True,
        "top_logprobs": 3,
        "response_format": {"type": "json_object"},
        "chat_template_kwargs": {"enable_thinking": False},
    }


def test_no_seed_is_sent_where_none_is_wanted() -> None:
    assert payload_of()["seed"] == 1234
    assert "seed" not in payload_of(seed="none")


def test_what_the_task_asks_for_wins_over_the_settings() -> None:
    request = question(top_k=5, extra={"frequency_penalty": 1.5})

    payload = payload_of(request, top_k=40, frequency_penalty=0.1)

    assert (payload["top_k"], payload["frequency_penalty"]) == (5, 1.5)


def test_tools_are_offered() -> None:
    schema = {"type": "object", "properties": {}}
    tool = Tool(name="now", description="Tell the time.", parameters=schema)
    request = Generate(messages=question().messages, tools=(tool,))

    (offered,) = payload_of(request)["tools"]

    function = {"name": "now", "description": "Tell the time.", "parameters": schema}
    assert offered == {"type": "function", "function": function}


@pytest.mark.parametrize("is_strict", [True, False])
def test_strictness_of_a_tool_is_sent_where_it_is_said(is_strict: bool) -> None:
    tool = Tool(name="now", description="", parameters={}, is_strict=is_strict)
    request = Generate(messages=question().messages, tools=(tool,))

    (offered,) = payload_of(request)["tools"]

    assert offered["function"]["strict"] is is_strict


@pytest.mark.parametrize("stream", [False, True])
def test_the_whole_payload_is_one_that_openai_describes(stream: bool) -> None:
    from openai.types.chat import completion_create_params
    from pydantic import TypeAdapter

    described: Any = (
        completion_create_params.CompletionCreateParamsStreaming
        if stream
        else completion_create_params.CompletionCreateParamsNonStreaming
    )
    tool = Tool(name="now", description="d", parameters={"type": "object"})
    request = Generate(messages=question(stop=("a",)).messages, tools=(tool,))
    settings: dict[str, Any] = {
        "temperature": 0.5,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.1,
        "top_logprobs": 2,
        "response_format": {"type": "json_object"},
    }

    payload = payload_of(request, stream=stream, **settings)

    TypeAdapter(described).validate_python(payload)
    assert payload.keys() <= described.__annotations__.keys() | set(
        completion_create_params.CompletionCreateParamsBase.__annotations__
    )
    assert payload.get("stream", False) is stream


@pytest.mark.parametrize(
    "model", ["o1", "o3-mini", "o4-mini-high", "gpt-5", "gpt-5.1", "openai/gpt-5-nano"]
)
def test_a_reasoning_model_is_asked_as_it_wants(model: str) -> None:
    request = question(max_tokens=9, temperature=0.0, top_p=0.9, stop=("a",))

    payload = payload_of(request, model=model)

    assert payload["max_completion_tokens"] == 9
    for name in ("max_tokens", "temperature", "top_p", "stop"):
        assert name not in payload


@pytest.mark.parametrize(
    "model",
    ["gpt-4o-2024-05-13", "gpt-3.5-turbo", "qwen2.5-vl", "llama-o1", "gpt-50", "o1x"],
)
def test_a_stray_digit_makes_no_reasoning_model(model: str) -> None:
    payload = payload_of(question(temperature=0.0, stop=("a",)), model=model)

    assert payload["max_tokens"] == 1024
    assert payload["temperature"] == 0.0
    assert payload["stop"] == ["a"]


def test_what_is_a_reasoning_model_can_be_said() -> None:
    request = question(temperature=0.0)

    told = payload_of(request, reasoning_model=True)
    denied = payload_of(request, model="gpt-5", reasoning_model=False)

    assert "temperature" not in told
    assert told["max_completion_tokens"] == 1024
    assert denied["temperature"] == 0.0
    assert denied["max_tokens"] == 1024


def test_what_is_not_sent_is_described() -> None:
    assert made(model="gpt-5").describe()["not_sent"] == [
        "temperature",
        "top_p",
        "stop",
    ]
    assert made().describe()["not_sent"] == []


def test_a_stop_text_ends_the_answer_of_a_reasoning_model_here() -> None:
    async def ask(url: str) -> str:
        backend = made(model="gpt-5", base_url=url)
        request = Generate(
            messages=(Message.of_text("user", "one two"),),
            parameters=GenerationParameters(stop=(" two",)),
        )
        try:
            return (await backend.generate(request)).text
        finally:
            await backend.aclose()

    with serve_in_thread(MockServer(echo)) as server:
        assert asyncio.run(ask(server.url)) == "one"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"temperature": -1}, "temperature must be"),
        ({"top_p": 0}, "top_p must be"),
        ({"top_p": 1.5}, "top_p must be"),
        ({"presence_penalty": 3}, "from -2 to 2"),
        ({"top_logprobs": -1}, "top_logprobs must be"),
        ({"model": "gpt-5", "temperature": 0.5}, "reasoning_model=false"),
        ({"model": "gpt-5", "top_p": 0.5}, "takes no top_p"),
        ({"extra_body": {"n": 3}}, "extra_body may not set 'n': .*--repeats"),
        ({"extra_body": {"stream": True}}, "may not set 'stream': stream= is an"),
        ({"n": 2}, "n must be 1, got 2; --repeats asks several times"),
        ({"verify": "no-such-file.pem"}, "no-such-file.pem"),
        ({"proxy": "localhost:3128"}, "proxy must be"),
        ({"stream": "maybe"}, "'stream'"),
        ({"client": "httpx"}, "'client'"),
        ({"model_version": "x"}, "give 'model' once"),
        ({"max_new_token": 3}, "did you mean 'max_new_tokens'"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(OptionError, match=said):
        made(**arguments)


@pytest.mark.parametrize(
    ("name", "remedy"), [("n", "--repeats asks"), ("stream", "stream= is an argument")]
)
def test_a_task_may_not_change_the_form_of_the_answer(name: str, remedy: str) -> None:
    with pytest.raises(RequestRejectedError, match=f"may not set '{name}'.*{remedy}"):
        payload_of(question(extra={name: 2}))


@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "OPENAI_API_BASE"])
def test_the_url_may_stand_in_the_environment(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_BASE", raising=False)

    assert made().describe()["base_url"] == "https://api.openai.com/v1"
    monkeypatch.setenv(variable, "http://here/v1/")
    assert made().describe()["base_url"] == "http://here/v1"
    assert made(base_url="http://there").describe()["base_url"] == "http://there"


def test_every_effective_setting_is_described_without_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "hush")
    backend = made(
        model="gpt-5", proxy="http://me:hush@proxy", headers={"X-Api-Key": "hush"}
    )

    described = backend.describe()

    assert "hush" not in json.dumps(described)
    assert described["proxy"] == "http://***@proxy"
    for name, value in {
        "stream": False,
        "seed": 1234,
        "client": "aiohttp",
        "verify": True,
        "reasoning_model": True,
        "max_tokens_field": "max_completion_tokens",
        "max_tokens": 1024,
        "prefix_aware_queue": True,
    }.items():
        assert described[name] == value, name


def test_streaming_on_its_own_account_waits_until_latency_is_measured() -> None:
    on, off, auto = (made(stream=stream) for stream in (True, False, "auto"))
    for backend in (on, off, auto):
        backend.stream_for_latency = True

    assert made().is_streaming is False
    assert [backend.is_streaming for backend in (on, off, auto)] == [True, False, True]


def headers_sent(**arguments: Any) -> Mapping[str, str]:
    """Ask a mock server once; say which headers it saw."""

    async def ask(url: str) -> None:
        backend = made(base_url=url, **arguments)
        await backend.generate(question())
        await backend.aclose()

    with serve_in_thread(MockServer(echo, keeps_requests=True)) as server:
        asyncio.run(ask(server.url))
    return server.received[0].headers


@pytest.mark.parametrize("client", ["aiohttp", "sdk"])
def test_who_asks_is_said_in_headers(client: str) -> None:
    headers = headers_sent(
        api_key="k",
        organization="org",
        project="proj",
        headers={"X-Team": "red"},
        client=client,
    )

    assert headers["authorization"] == "Bearer k"
    assert headers["openai-organization"] == "org"
    assert headers["openai-project"] == "proj"
    assert headers["x-team"] == "red"
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("client", ["aiohttp", "sdk"])
@pytest.mark.parametrize("from_environment", [False, True])
def test_a_proxy_is_used_where_one_is_named(
    client: str, from_environment: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    body = json.dumps({"choices": [{"message": {"content": "by proxy"}}]}).encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def ask() -> str:
        proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        settings: dict[str, Any] = {"proxy": url}
        if from_environment:
            monkeypatch.setenv("http_proxy", url)
            monkeypatch.delenv("no_proxy", raising=False)
            settings = {"trust_env": True}
        backend = made(
            base_url="http://far.invalid/v1", client=client, api_key="k", **settings
        )
        try:
            return (await backend.generate(question())).text
        finally:
            await backend.aclose()
            proxy.close()
            await proxy.wait_closed()

    assert asyncio.run(ask()) == "by proxy"
    assert asked[0].startswith(b"POST http://far.invalid/v1/chat/completions ")


def test_a_folder_of_certificates_may_be_trusted(tmp_path: Path) -> None:
    assert made(verify=str(tmp_path)).connection.trusted() is not True


def test_a_file_without_certificates_is_named(tmp_path: Path) -> None:
    path = tmp_path / "empty.pem"
    path.write_text("")

    with pytest.raises(OptionError, match=r"empty\.pem"):
        made(verify=str(path))
