"""Driving flows: generators that ask and conclude, without any input or output."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeVar

from pytest_evalkit.errors import ModelError, RecordingError, WithheldError
from pytest_evalkit.values import AnyResponse, Request

T = TypeVar("T")
RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

# Yields requests that may be asked at the same time, receives their responses in the
# same order, and returns what it concludes. A request without an answer is raised
# inside the flow as a ModelError, so that it may fall back.
Flow = Generator[Sequence[Request], Sequence[AnyResponse], T]
Ask = Callable[[Request], Awaitable[AnyResponse]]
# What a function returns that only hands a request on: a coroutine of its own would be
# stepped through each time that the request waits.
Answering = Coroutine[Any, Any, T]


async def drive(
    flow: Generator[Sequence[RequestT], Sequence[ResponseT], T],
    ask: Callable[[RequestT], Awaitable[ResponseT]],
    executor: Executor | None = None,
) -> T:
    """Run a flow to its end, whatever kind of request it asks.

    Args:
        flow: The flow.
        ask: Gets the answer to one request.
        executor: Where the flow's own steps run, if they take so long that they would
            hold up everybody; None for the event loop itself. A flow that asks nothing
            changes sides: it goes on on the loop's own thread, and back again.

    Raises:
        ModelError: A request had no answer and the flow did not catch it.
        WithheldError: A request was not sent.
        RecordingError: It was to be answered from a record, which has no answer.
    """
    step: Callable[[], Sequence[RequestT]] = partial(next, flow)
    is_on_loop = executor is None
    while True:
        if is_on_loop:
            requests, conclusion = _taken(step)
        else:
            loop = asyncio.get_running_loop()
            requests, conclusion = await loop.run_in_executor(executor, _taken, step)
        if requests is None:
            ended: T = conclusion
            return ended
        if not requests:
            is_on_loop = executor is None or not is_on_loop
        try:
            if len(requests) == 1:
                responses: Sequence[ResponseT] = (await ask(requests[0]),)
            else:
                responses = await _ask_all(requests, ask)
        except ModelError as error:
            step = partial(flow.throw, error)
        else:
            step = partial(flow.send, responses)


def _taken(step: Callable[[], Sequence[RequestT]]) -> tuple[Any, Any]:
    """Take a step of a flow: the requests it asks, or None and what it concludes.

    What ends a generator cannot leave a coroutine, nor a thread that one waits for.
    """
    try:
        return step(), None
    except StopIteration as stop:
        return None, stop.value


async def _ask_all(
    requests: Sequence[RequestT], ask: Callable[[RequestT], Awaitable[ResponseT]]
) -> Sequence[ResponseT]:
    tasks: list[asyncio.Task[ResponseT]] = []
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            tasks.extend(group.create_task(_once(ask, one)) for one in requests)
    except* (ModelError, WithheldError, RecordingError) as errors:
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
