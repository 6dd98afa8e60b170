"""Driving flows: generators that ask and conclude, without any input or output."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import TypeVar

from pytest_evalkit.errors import BudgetSpentError, ModelError
from pytest_evalkit.values import AnyResponse, Request

T = TypeVar("T")
RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

# Yields requests that may be asked at the same time, receives their responses in the
# same order, and returns what it concludes. A request without an answer is raised
# inside the flow as a ModelError, so that it may fall back.
Flow = Generator[Sequence[Request], Sequence[AnyResponse], T]
Ask = Callable[[Request], Awaitable[AnyResponse]]


async def drive(
    flow: Generator[Sequence[RequestT], Sequence[ResponseT], T],
    ask: Callable[[RequestT], Awaitable[ResponseT]],
) -> T:
    """Run a flow to its end, whatever kind of request it asks.

    Raises:
        ModelError: A request had no answer and the flow did not catch it.
        BudgetSpentError: A request was not sent.
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


async def _ask_all(
    requests: Sequence[RequestT], ask: Callable[[RequestT], Awaitable[ResponseT]]
) -> Sequence[ResponseT]:
    if len(requests) == 1:
        return (await ask(requests[0]),)
    tasks: list[asyncio.Task[ResponseT]] = []
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            tasks.extend(group.create_task(_once(ask, one)) for one in requests)
    except* (ModelError, BudgetSpentError) as errors:
        # One is enough to know that there is no answer; a group would reach the user
        # as fifty lines of traceback.
        failure = _first(errors)
    if failure is not None:
        raise failure
    return [task.result() for task in tasks]


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


async def _once(
    ask: Callable[[RequestT], Awaitable[ResponseT]], request: RequestT
) -> ResponseT:
    return await ask(request)
