"""Driving flows: generators that ask and conclude, without any input or output."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import TypeVar

from pytest_evalkit.errors import ModelError
from pytest_evalkit.values import Request, Response

T = TypeVar("T")

# Yields requests that may be asked at the same time, receives their responses in the
# same order, and returns what it concludes. A request without an answer is raised
# inside the flow as a ModelError, so that it may fall back.
Flow = Generator[Sequence[Request], Sequence[Response], T]
Ask = Callable[[Request], Awaitable[Response]]


async def drive(flow: Flow[T], ask: Ask) -> T:
    """Run a flow to its end.

    Raises:
        ModelError: A request had no answer and the flow did not catch it.
    """
    try:
        requests = next(flow)
        while True:
            try:
                responses = await _ask_all(requests, ask)
            except ModelError as error:
                requests = flow.throw(error)
            else:
                requests = flow.send(responses)
    except StopIteration as stop:
        conclusion: T = stop.value
        return conclusion


async def _ask_all(requests: Sequence[Request], ask: Ask) -> Sequence[Response]:
    if len(requests) == 1:
        return (await ask(requests[0]),)
    tasks: list[asyncio.Task[Response]] = []
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            tasks.extend(group.create_task(_once(ask, one)) for one in requests)
    except* ModelError as errors:
        # One is enough to know that there is no answer; a group would reach the user
        # as fifty lines of traceback.
        failure = _first(errors)
    if failure is not None:
        raise failure
    return [task.result() for task in tasks]


def _first(errors: BaseExceptionGroup[ModelError]) -> BaseException:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


async def _once(ask: Ask, request: Request) -> Response:
    return await ask(request)
