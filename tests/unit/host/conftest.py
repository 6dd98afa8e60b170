"""A host in a thread, and a model of letters whose every number can be worked out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from pytest_evalkit.host.server import Bound, HostServer
from pytest_evalkit.models.backend import Backend, PromptToken
from pytest_evalkit.values import (
    Generate,
    GenerationParameters,
    Loglikelihood,
    LoglikelihoodResponse,
    Response,
    RollingLoglikelihood,
    TokenLogprob,
    Usage,
)

Serve = Callable[..., str]


def letter_logprob(letter: str, place: int) -> float:
    """Tell what a letter is worth in a place; ``e`` is the likeliest everywhere."""
    return -0.25 if letter == "e" else -(1 + ord(letter) % 5 + place % 3 / 4)


class Letters:
    """Each character is a token, and its number the token's."""

    model_name = "letters"

    def __init__(self) -> None:
        self.asked: list[Generate] = []
        self.closed = 0

    def describe(self) -> Mapping[str, Any]:
        return {"model": self.model_name, "kind": "letters"}

    async def generate(self, request: Generate) -> Response:
        self.asked.append(request)
        return Response(text=request.messages[-1].text.upper(), finish_reason="stop")

    async def loglikelihood(self, request: Loglikelihood) -> LoglikelihoodResponse:
        start = len(request.context)
        return self._worth(request.context + request.continuation, start)

    async def rolling_loglikelihood(
        self, request: RollingLoglikelihood
    ) -> LoglikelihoodResponse:
        return self._worth(request.text, 0)

    def _worth(self, text: str, start: int) -> LoglikelihoodResponse:
        places = range(start, len(text))
        return LoglikelihoodResponse(
            logprob=sum(letter_logprob(text[n], n) for n in places),
            is_greedy=set(text[start:]) == {"e"},
            n_tokens=len(places),
        )

    async def complete(
        self, prompt: str | tuple[int, ...], parameters: GenerationParameters
    ) -> Response:
        text = _text(prompt)
        count = parameters.max_tokens or 0
        told = None
        if parameters.extra.get("logprobs"):
            told = tuple(
                TokenLogprob(token="e", logprob=-0.25, top=(("e", -0.25),))
                for _ in range(count)
            )
        usage = Usage(input_tokens=len(text), output_tokens=count)
        return Response(
            text="e" * count, finish_reason="length", logprobs=told, usage=usage
        )

    async def prompt_logprobs(
        self, prompt: str | tuple[int, ...], top: int
    ) -> tuple[PromptToken, ...]:
        text = _text(prompt)
        best = (("e", -0.25),)[:top]
        first = PromptToken(text[0], None)
        return first, *(
            PromptToken(text[n], letter_logprob(text[n], n), best)
            for n in range(1, len(text))
        )

    async def tokenize(self, text: str, *, with_special: bool) -> tuple[int, ...]:
        return (*((ord("^"),) if with_special else ()), *map(ord, text))

    async def aclose(self) -> None:
        self.closed += 1


def _text(prompt: str | tuple[int, ...]) -> str:
    return prompt if isinstance(prompt, str) else "".join(map(chr, prompt))


@pytest.fixture
def letters() -> Letters:
    return Letters()


@contextmanager
def served(backend: Backend, *, is_ready: bool, key: str | None) -> Iterator[str]:
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, str]] = Future()

    async def run() -> None:
        ending = asyncio.Event()
        server = HostServer(backend, Bound(), api_key=key)
        server.is_ready = is_ready
        await server.start()
        started.set_result((asyncio.get_running_loop(), ending, server.url))
        await ending.wait()
        await server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    loop, ending, url = started.result(timeout=10)
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join(timeout=10)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve backends until the test ends; gives the base URL of each."""
    with ExitStack() as stack:

        def serve_one(
            backend: Backend, *, is_ready: bool = True, key: str | None = None
        ) -> str:
            return stack.enter_context(served(backend, is_ready=is_ready, key=key))

        yield serve_one
