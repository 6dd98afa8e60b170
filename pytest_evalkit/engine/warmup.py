"""Requests that warm an endpoint up before any is measured."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from pytest_evalkit.errors import ModelError, ModelUnavailableError
from pytest_evalkit.messages import Message, TextPart
from pytest_evalkit.values import AnyResponse, Generate, Loglikelihood, Request


class Warmed(NamedTuple):
    """How warming up went: how many requests were sent, and how many failed."""

    requests: int
    failed: int


async def warm_up(
    ask: Callable[[Request], Awaitable[AnyResponse]], requests: Iterable[Request]
) -> Warmed:
    """Send requests, as many at once as whoever sends them allows.

    Args:
        ask: Gets the answer to one request.
        requests: What to ask.

    Raises:
        ModelUnavailableError: No request will be answered.
    """
    answers = await asyncio.gather(
        *(ask(request) for request in requests), return_exceptions=True
    )
    failed = 0
    for answer in answers:
        if isinstance(answer, ModelError) and not _is_final(answer):
            failed += 1
        elif isinstance(answer, BaseException):
            raise answer
    return Warmed(len(answers), failed)


def salted(requests: Iterable[Request], salt: str) -> Iterator[Request]:
    """Begin prompts with what no measured prompt begins with, each with its own.

    A server keeps the work on the beginning of a prompt for the next that begins alike,
    and the measured ones are not to profit.

    Args:
        requests: What is asked in the measured part.
        salt: Text that is new in every run.
    """
    for number, request in enumerate(requests):
        words = f"[warm-up {salt}-{number}] "
        if isinstance(request, Generate):
            first, *others = request.messages
            yield replace(request, messages=(_salted(first, words), *others))
        elif isinstance(request, Loglikelihood):
            yield replace(request, context=words + request.context)
        else:
            yield replace(request, text=words + request.text)


def _salted(message: Message, words: str) -> Message:
    return replace(message, parts=(TextPart(words), *message.parts))


def _is_final(error: ModelError) -> bool:
    return isinstance(error, ModelUnavailableError)
