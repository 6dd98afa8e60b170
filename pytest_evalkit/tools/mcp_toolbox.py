"""Tools of an MCP server: one session for the whole run, on a thread of its own.

The session's background tasks belong to the event loop that opened it, while requests
may come from several loops, and from loops that stand still now and then.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shlex
import sys
import tempfile
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import DatasetError, ModelUnavailableError, OptionError
from pytest_evalkit.messages import ImageSource
from pytest_evalkit.tools.toolbox import ToolResult
from pytest_evalkit.values import Tool

if TYPE_CHECKING:
    from mcp import Client

T = TypeVar("T")

_WEB = ("http://", "https://")
_START_S = 60.0
_QUOTED_CHARACTERS = 500


class McpToolbox:
    """The tools of one MCP server.

    Args:
        server: Its address, or the command that starts it; a file that ends in ``.py``
            is run by this Python.
        max_turns: How often a model may call tools for one answer.
        timeout_s: The longest that one call may take; the model is then told.

    Raises:
        OptionError: The command is empty or badly quoted.
    """

    def __init__(self, server: str, *, max_turns: int, timeout_s: float) -> None:
        self.max_turns = max_turns
        self._server = server
        self._command = None if server.startswith(_WEB) else _command(server)
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._session: _Session | None = None
        self._listed: tuple[Tool, ...] | None = None

    async def tools(self) -> tuple[Tool, ...]:
        """List the tools; the first time, start or connect to the server.

        Raises:
            ModelUnavailableError: That fails.
        """
        if self._listed is None:
            session = await asyncio.to_thread(self._started)
            self._listed = await session.run(_list_tools(session.client))
        return self._listed

    async def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Call a tool; whatever the tool itself finds wrong is its result.

        Raises:
            ModelUnavailableError: The server has ended.
        """
        session = self._session
        if session is None:
            session = await asyncio.to_thread(self._started)
        return await session.run(
            _call_tool(session.client, name, dict(arguments), self._timeout_s)
        )

    async def aclose(self) -> None:
        """End the session, and the server if it was started here."""
        with self._lock:
            session, self._session = self._session, None
            self._listed = None
        if session is not None:
            await asyncio.to_thread(session.close)

    def _started(self) -> _Session:
        # Several documents ask for the tools at once, and one session is for all.
        with self._lock:
            if self._session is None:
                session = _Session(self._server, self._command)
                session.start()
                self._session = session
            return self._session


class _Session:
    """A session with a server, and the thread that its loop runs on."""

    client: Client

    def __init__(self, server: str, command: Sequence[str] | None) -> None:
        self._server = server
        self._command = command
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()
        self._ready: Future[None] = Future()
        self._served: Future[None]
        # The server must not keep a process alive that ends without closing it.
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="evalkit-mcp", daemon=True
        )

    def start(self) -> None:
        """Open the session.

        Raises:
            ModelUnavailableError: The server cannot be started or reached.
        """
        self._thread.start()
        with tempfile.TemporaryFile("w+", encoding="utf-8") as complaints:
            self._served = asyncio.run_coroutine_threadsafe(
                self._serve(complaints), self._loop
            )
            wait((self._ready, self._served), return_when=FIRST_COMPLETED)
            if self._ready.done():
                return
            failure = self._failure(complaints)
        self.close()
        raise failure from self._served.exception()

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the session's loop.

        Raises:
            ModelUnavailableError: The session has ended.
        """
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
            return await asyncio.wrap_future(future)
        except _LostError as error:
            raise ModelUnavailableError(
                f"the MCP server {self._server!r} has ended: {error}"
            ) from error

    def close(self) -> None:
        """End the session, however it went."""
        self._loop.call_soon_threadsafe(self._ending.set)
        wait((self._served,))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _serve(self, complaints: TextIO) -> None:
        client = _client(self._server, self._command, complaints)
        async with asyncio.timeout(_START_S) as starting, client:
            starting.reschedule(None)
            self.client = client
            self._ready.set_result(None)
            await self._ending.wait()

    def _failure(self, complaints: TextIO) -> ModelUnavailableError:
        reason = _first(self._served.exception())
        if isinstance(reason, ModelUnavailableError):
            return reason
        complaints.seek(0)
        said = complaints.read().strip()[-_QUOTED_CHARACTERS:]
        text = f"{type(reason).__name__}: {reason}"
        return ModelUnavailableError(
            f"cannot use the MCP server {self._server!r}: {text}"
            + (f"; it said: {said}" if said else "")
        )


class _LostError(Exception):
    """The connection to the server is gone."""


def _command(server: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(server))
    except ValueError as error:
        raise OptionError(f"mcp_server {server!r} is badly quoted: {error}") from error
    if not words:
        raise OptionError("mcp_server is empty: give a command or an address")
    is_script = words[0].endswith(".py") and Path(words[0]).is_file()
    return (sys.executable, *words) if is_script else words


def _client(server: str, command: Sequence[str] | None, complaints: TextIO) -> Client:
    """Make a client that is not connected yet.

    Raises:
        ModelUnavailableError: The package is not installed.
    """
    try:
        from mcp import Client, StdioServerParameters, stdio_client
    except ImportError as error:
        raise ModelUnavailableError(
            "mcp_server needs the package mcp, version 2 or later: "
            "pip install 'pytest-evalkit[mcp]'"
        ) from error
    if command is None:
        return Client(server)
    started = StdioServerParameters(
        command=command[0],
        args=list(command[1:]),
        # A command is run as the user's own shell would run it.
        env=dict(os.environ),
    )
    return Client(stdio_client(started, errlog=complaints))


async def _list_tools(client: Client) -> tuple[Tool, ...]:
    listed: list[Tool] = []
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        listed.extend(
            Tool(
                name=tool.name,
                description=tool.description or "",
                parameters=tool.input_schema,
            )
            for tool in page.tools
        )
        cursor = page.next_cursor
        if cursor is None:
            return tuple(listed)


async def _call_tool(
    client: Client, name: str, arguments: dict[str, Any], timeout_s: float
) -> ToolResult:
    import anyio
    from mcp import MCPError
    from mcp.types import CONNECTION_CLOSED

    try:
        answer = await client.call_tool(name, arguments, read_timeout_seconds=timeout_s)
    except MCPError as error:
        if error.code == CONNECTION_CLOSED:
            raise _LostError(error.message) from error
        return ToolResult(text=f"error: {error.message}")
    except (OSError, anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
        raise _LostError(str(error) or type(error).__name__) from error
    except (RuntimeError, ValueError) as error:
        # So the client tells a result that is not what the tool promised.
        return ToolResult(text=f"error: {error}")
    return _result(answer)


def _result(answer: Any) -> ToolResult:
    texts: list[str] = []
    images: list[ImageSource] = []
    for block in answer.content:
        image = _image(block)
        if image is not None:
            images.append(image)
        else:
            texts.append(_text(block))
    if not answer.content and answer.structured_content is not None:
        texts.append(encode(answer.structured_content).decode())
    text = "\n".join(texts)
    return ToolResult(
        text=f"error: {text}" if answer.is_error else text, images=tuple(images)
    )


def _image(block: Any) -> ImageSource | None:
    if block.type != "image":
        return None
    try:
        return ImageSource.of_bytes(base64.b64decode(block.data, validate=True))
    except (DatasetError, ValueError):
        # It is told in words instead.
        return None


def _text(block: Any) -> str:
    if block.type == "text":
        return str(block.text)
    if block.type == "resource" and hasattr(block.resource, "text"):
        return str(block.resource.text)
    place = getattr(block, "uri", None) or getattr(block, "mime_type", None)
    return f"(a {block.type} that cannot be shown: {place})"


def _first(error: BaseException | None) -> BaseException | None:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
