"""A completions backend that asks a mock server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from pytest_evalkit.mockserver import MockServer
from pytest_evalkit.models.openai_completions import OpenAICompletions
from pytest_evalkit.models.registry import make_backend


def use(
    server: MockServer,
    ask: Callable[[OpenAICompletions], Awaitable[Any]],
    **settings: Any,
) -> Any:
    async def asked() -> Any:
        args = {"model": "m", "base_url": server.url, **settings}
        backend = make_backend("openai-completions", args)
        assert isinstance(backend, OpenAICompletions)
        try:
            return await ask(backend)
        finally:
            await backend.aclose()

    return asyncio.run(asked())
