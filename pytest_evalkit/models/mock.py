"""A backend made of one function, for tests and for trying things out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any

from pytest_evalkit.values import Generate, Response

Answer = str | Response
Handler = Callable[[Generate], Answer | Awaitable[Answer]]


class MockBackend:
    """Answers what a function returns.

    Args:
        handler: Called with each request; returns the answer as a text or a Response,
            or raises a ModelError. It may be a coroutine function.
    """

    model_name = "mock"

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def describe(self) -> Mapping[str, Any]:
        """Tell how answers come about."""
        name = getattr(self._handler, "__qualname__", type(self._handler).__name__)
        return {"model": self.model_name, "handler": name}

    async def generate(self, request: Generate) -> Response:
        """Answer what the handler says; what it raises is raised."""
        answer = self._handler(request)
        if isawaitable(answer):
            answer = await answer
        return Response(text=answer) if isinstance(answer, str) else answer

    async def aclose(self) -> None:
        """Do nothing: a function holds nothing."""
