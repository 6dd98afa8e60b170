from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from pytest_evalkit.engine import Engine, Model
from pytest_evalkit.errors import ModelUnavailableError, OptionError
from pytest_evalkit.messages import ToolCallPart
from pytest_evalkit.models import make_backend
from pytest_evalkit.tools import ToolResult, toolbox_of
from pytest_evalkit.tools.mcp_toolbox import McpToolbox
from pytest_evalkit.values import Generate, Response

pytest.importorskip("mcp")

SERVER = Path(__file__).with_name("mcp_server.py")

T = TypeVar("T")


def using(
    use: Callable[[McpToolbox], Awaitable[T]],
    server: str = str(SERVER),
    timeout_s: float = 30.0,
) -> T:
    async def run() -> T:
        toolbox = McpToolbox(server, max_turns=8, timeout_s=timeout_s)
        try:
            return await use(toolbox)
        finally:
            await toolbox.aclose()

    return asyncio.run(run())


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_tools_come_with_their_schemas() -> None:
    tools = using(lambda toolbox: toolbox.tools())

    add = next(tool for tool in tools if tool.name == "add")
    assert add.description == "Add two numbers."
    assert add.parameters["required"] == ["a", "b"]
    assert add.parameters["properties"]["a"]["type"] == "integer"


def test_a_command_may_have_arguments() -> None:
    command = f"'{sys.executable}' '{SERVER}'"

    result = using(lambda toolbox: toolbox.call("add", {"a": 2, "b": 3}), command)

    assert result == ToolResult(text="5")


def test_one_session_serves_all_calls_and_ends_with_the_toolbox() -> None:
    async def call(toolbox: McpToolbox) -> list[ToolResult]:
        return await asyncio.gather(*(toolbox.call("count", {}) for _ in range(5)))

    results = using(call)

    counts, processes = zip(*(result.text.split() for result in results), strict=True)
    assert sorted(counts) == list("12345")
    assert len(set(processes)) == 1
    assert not is_running(int(processes[0]))


def test_a_session_serves_several_event_loops() -> None:
    toolbox = McpToolbox(str(SERVER), max_turns=8, timeout_s=30.0)

    counts = [asyncio.run(toolbox.call("count", {})).text.split()[0] for _ in range(2)]
    asyncio.run(toolbox.aclose())

    assert counts == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("fail", {}, "error: Error executing tool fail"),
        ("add", {"a": "x", "b": 1}, "error: "),
        ("absent", {}, "error: Unknown tool"),
    ],
)
def test_what_goes_wrong_in_a_tool_is_its_result(
    name: str, arguments: dict[str, object], told: str
) -> None:
    result = using(lambda toolbox: toolbox.call(name, arguments))

    assert result.text.startswith(told)


def test_a_call_that_takes_too_long_is_told() -> None:
    started = time.monotonic()

    result = using(lambda toolbox: toolbox.call("wait", {"s": 30}), timeout_s=0.3)

    assert result.text.startswith("error: ")
    assert "timed out" in result.text
    assert time.monotonic() - started < 20


def test_an_image_comes_as_an_image() -> None:
    result = using(lambda toolbox: toolbox.call("look", {}))

    (image,) = result.images
    assert image.mime == "image/png"
    assert result.text == ""


def test_a_server_that_ends_is_told_and_no_call_hangs() -> None:
    async def call(toolbox: McpToolbox) -> None:
        for name in ("leave", "count"):
            with pytest.raises(ModelUnavailableError, match=r"mcp_server\.py.*ended"):
                await toolbox.call(name, {})

    using(call)


@pytest.mark.parametrize(
    ("server", "problem"),
    [
        ("no-such-command-anywhere", "FileNotFoundError"),
        (f"{SERVER} --broken", "it said: the abacus is missing"),
        ("http://127.0.0.1:9/mcp", "ConnectError"),
    ],
)
def test_a_server_that_cannot_be_had_is_told(server: str, problem: str) -> None:
    with pytest.raises(
        ModelUnavailableError, match="cannot use the MCP server"
    ) as told:
        using(lambda toolbox: toolbox.tools(), server)

    assert problem in str(told.value)


@pytest.mark.parametrize(("server", "problem"), [("", "empty"), ("a 'b", "quoted")])
def test_a_command_that_is_none_is_told(server: str, problem: str) -> None:
    with pytest.raises(OptionError, match=problem):
        McpToolbox(server, max_turns=8, timeout_s=1.0)


def test_without_the_package_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)

    with pytest.raises(ModelUnavailableError, match=r"'pytest-evalkit\[mcp\]'"):
        using(lambda toolbox: toolbox.tools())


def test_bounds_without_tools_are_told() -> None:
    for argument in ("max_tool_turns", "tool_timeout"):
        with pytest.raises(OptionError, match="means nothing without mcp_server"):
            make_backend("openai", {"model": "m", argument: 3})


def test_a_backend_offers_the_tools_that_it_was_given() -> None:
    arguments = {"model": "m", "mcp_server_path": str(SERVER), "max_tool_turns": 3}

    toolbox = toolbox_of(make_backend("openai", arguments))

    assert toolbox is not None
    assert toolbox.max_turns == 3
    assert toolbox_of(make_backend("openai", {"model": "m"})) is None
    assert toolbox_of(make_backend("oracle", {})) is None


def test_what_is_recorded_of_a_server_has_no_secret() -> None:
    arguments = {"model": "m", "mcp_server": "http://me:hush@host/mcp?api_key=hush"}

    described = make_backend("openai", arguments).describe()

    assert described["mcp_server"] == "http://***@host/mcp?api_key=***"


class Calculator:
    """A backend of users that calls a tool once, and says what it heard."""

    model_name = "calculator"

    def __init__(self) -> None:
        self.toolbox = McpToolbox(str(SERVER), max_turns=8, timeout_s=30.0)

    def describe(self) -> dict[str, str]:
        return {}

    async def generate(self, request: Generate) -> Response:
        last = request.messages[-1]
        if last.role == "tool":
            (result,) = last.parts
            return Response(text=f"It is {result.content}.")  # type: ignore[union-attr]  # a tool says results
        call = ToolCallPart("c", "add", '{"a": 20, "b": 22}')
        return Response(text="", tool_calls=(call,))

    async def aclose(self) -> None:
        await self.toolbox.aclose()


def test_a_model_calls_tools_until_it_answers() -> None:
    async def ask() -> Response:
        backend = Calculator()
        model = Model(Engine(backend), asyncio.run)
        try:
            return await model.generate("What is 20+22?")
        finally:
            await backend.aclose()

    response = asyncio.run(ask())

    assert response.text == "It is 42."
    assert [message.role for message in response.transcript] == ["assistant", "tool"]
