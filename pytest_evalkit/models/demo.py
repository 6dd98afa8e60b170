"""The demo model, which looks at pictures of shapes and needs no network."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.metadata import version
from typing import Any

from pytest_evalkit.mockserver import MockServer, serve_in_thread
from pytest_evalkit.mockserver.pixels import answer_shapes
from pytest_evalkit.models.backend import Identity
from pytest_evalkit.models.connection import Connection
from pytest_evalkit.models.openai_chat import OpenAIChat
from pytest_evalkit.values import Generate, Response


class Demo:
    """Answers the questions of ``benchmarks/shapes`` by looking at the pictures.

    Questions of another kind it answers ``unknown``.

    Requests go over HTTP to a server of its own, which starts at the first of them on a
    free port of this machine.

    Attributes:
        stream_for_latency: True when the run measures latency.
    """

    model_name = "demo"

    def __init__(self) -> None:
        self.stream_for_latency = False
        self._starting = threading.Lock()
        self._running = ExitStack()
        self._chat: OpenAIChat | None = None

    def describe(self) -> Mapping[str, Any]:
        """Tell how answers come about."""
        return {"model": self.model_name, "path": OpenAIChat.path}

    async def generate(self, request: Generate) -> Response:
        """Ask the server.

        Raises:
            TransientModelError: The server broke off.
            RequestRejectedError: A picture is missing, or cannot be decoded.
        """
        chat = self._chat
        if chat is None:
            chat = await asyncio.to_thread(self._start)
        return await chat.generate(request)

    async def identity(self) -> Identity:
        """Tell what decides the answers: the release, which has the rule of looking."""
        facts = {**self.describe(), "version": version("pytest-evalkit")}
        return Identity(facts=facts, temperature=0.0)

    async def aclose(self) -> None:
        """Stop the server; another request would start it again."""
        if self._chat is not None:
            await self._chat.aclose()
        await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        # Who asked may have been cancelled while the server starts: it is awaited here.
        with self._starting:
            self._chat = None
            self._running.close()

    def _start(self) -> OpenAIChat:
        # Requests come from several tasks at once, and from more than one loop.
        with self._starting:
            if self._chat is not None:
                return self._chat
            server = self._running.enter_context(
                serve_in_thread(MockServer(answer_shapes))
            )
            # A key in the environment is not for this server.
            chat = OpenAIChat(
                model=self.model_name,
                base_url=server.url,
                connection=Connection(api_key=""),
            )
            chat.stream_for_latency = self.stream_for_latency
            self._chat = chat
            return chat
