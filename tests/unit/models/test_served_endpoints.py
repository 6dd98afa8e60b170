from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_evalkit.errors import ModelUnavailableError, OptionError
from pytest_evalkit.messages import Message
from pytest_evalkit.mockserver import MockServer, serve_in_thread
from pytest_evalkit.mockserver.answers import echo
from pytest_evalkit.models import make_backend
from pytest_evalkit.models.launching import Launch, ServedBackend
from pytest_evalkit.values import Generate

QUESTION = Generate(messages=(Message.of_text("user", "red"),))


@pytest.fixture
def server() -> Iterator[MockServer]:
    with serve_in_thread(MockServer(echo, keeps_requests=True)) as running:
        yield running


def served(name: str, **arguments: Any) -> ServedBackend:
    backend = make_backend(name, arguments)
    assert isinstance(backend, ServedBackend)
    return backend


def launch(name: str, **arguments: Any) -> Launch:
    return served(name, pretrained="org/m", command="run it", **arguments).launch(8123)


def test_vllm_gets_its_flags_as_it_calls_them() -> None:
    started = launch(
        "vllm",
        tensor_parallel_size="2",
        gpu_memory_utilization=0.5,
        trust_remote_code=True,
        enforce_eager=False,
        limit_mm_per_prompt={"image": 4},
        extra_args="--seed 3 --served-model-name 'a b'",
        startup_timeout=60,
    )

    assert started.command == (
        *("run", "it", "org/m", "--host", "127.0.0.1", "--port", "8123"),
        *("--tensor-parallel-size", "2", "--gpu-memory-utilization", "0.5"),
        *("--trust-remote-code", "--limit-mm-per-prompt", '{"image":4}'),
        *("--seed", "3", "--served-model-name", "a b"),
    )
    assert started.url == "http://127.0.0.1:8123"
    assert started.startup_timeout == 60


def test_sglang_gets_its_flags_as_it_calls_them() -> None:
    started = launch("sglang", tensor_parallel_size=2, max_model_len=4096)

    assert started.command == (
        *("run", "it", "--model-path", "org/m"),
        *("--host", "127.0.0.1", "--port", "8123"),
        *("--tp-size", "2", "--context-length", "4096"),
    )


def test_the_vllm_of_this_python_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: f"{path}/{name}")

    program, *rest = served("vllm", pretrained="org/m").launch(1).command

    assert program.startswith(sys.executable.rpartition("/")[0])
    assert rest[:2] == ["serve", "org/m"]


@pytest.mark.parametrize("name", ["vllm", "sglang"])
def test_a_server_that_runs_is_asked(name: str, server: MockServer) -> None:
    backend = served(name, model="m", base_url=server.url)

    response = asyncio.run(_answer(backend))

    assert backend.needs_server is False
    assert response == "red"
    assert server.received[0].path == "/v1/chat/completions"


def test_a_server_that_was_started_is_asked_without_the_users_key(
    server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-you")
    backend = served("vllm", pretrained="org/m", command="run it")
    assert backend.needs_server is True

    backend.attach(server.url.removesuffix("/v1"))

    assert asyncio.run(_answer(backend)) == "red"
    assert server.received[0].body["model"] == "org/m"
    assert "authorization" not in server.received[0].headers


def test_answers_come_in_tokens_where_latency_is_measured(server: MockServer) -> None:
    backend: Any = served("vllm", pretrained="org/m", command="run it")
    backend.stream_for_latency = True

    backend.attach(server.url.removesuffix("/v1"))
    asyncio.run(_answer(backend))

    assert server.received[0].body["stream"] is True


async def _answer(backend: Any) -> str:
    try:
        response = await backend.generate(QUESTION)
    finally:
        await backend.aclose()
    text: str = response.text
    return text


def test_a_model_whose_server_nobody_started_says_so() -> None:
    backend = served("vllm", pretrained="org/m", command="run it")

    with pytest.raises(ModelUnavailableError, match="no server was started"):
        asyncio.run(_answer(backend))


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"tensor_parallel_size": 2}, "tensor_parallel_size is for a server that is"),
        ({"command": "vllm serve"}, "command is for a server that is started"),
        ({"extra_args": "--seed 1"}, "extra_args is for a server that is started"),
        ({"tensor_parallel": 2}, "did you mean 'tensor_parallel_size'"),
        ({"startup_timeout": 0}, "startup_timeout must be above 0, got 0"),
        ({"base_url": "here"}, "base_url must be an http:// or https:// URL"),
    ],
)
def test_what_contradicts_itself_is_refused(
    arguments: dict[str, Any], rule: str
) -> None:
    with pytest.raises(OptionError, match=rule):
        make_backend("vllm", {"model": "m", "base_url": "http://h/v1", **arguments})


@pytest.mark.parametrize("name", ["vllm", "sglang"])
def test_a_package_that_is_missing_is_named(name: str) -> None:
    with pytest.raises(OptionError, match=f"needs the package {name}; pip install"):
        make_backend(name, {"pretrained": "org/m"})
