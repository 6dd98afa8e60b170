"""Calling the tools that a model asks for, by a function of the user's."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

from pytest_evalkit.conversations import ExecuteTools, TurnFailure
from pytest_evalkit.evaluate.conversing import Executing
from pytest_evalkit.messages import ToolCallPart
from pytest_evalkit.tools import CallTool, checked_call

Calling = Callable[[str, dict[str, Any]], Any]


def calling_tools(call: Calling, names: Sequence[str], place: Executor) -> Executing:
    """Have calls made one after another, in their order.

    What is wrong with a call is told to the model, which may try again.

    Args:
        call: Takes the name of a tool and its arguments, and returns a text; it may be
            a coroutine function.
        names: The tools that are offered; empty where any may be called.
        place: Where it is called if it is none, so that it holds up nobody.
    """

    async def execute(asked: ExecuteTools) -> Sequence[str] | TurnFailure:
        texts: list[str] = []
        for one in asked.calls:
            text = await _called(call, one, names or (one.name,), place)
            if isinstance(text, TurnFailure):
                return text
            texts.append(text)
        return texts

    return execute


async def _called(
    call: Calling, asked: ToolCallPart, names: Sequence[str], place: Executor
) -> str | TurnFailure:
    checked = checked_call(asked, names)
    if not isinstance(checked, CallTool):
        return checked.text
    loop = asyncio.get_running_loop()
    made = partial(call, checked.name, dict(checked.arguments))
    try:
        is_slow = not inspect.iscoroutinefunction(call)
        result = await loop.run_in_executor(place, made) if is_slow else made()
        if inspect.isawaitable(result):
            result = await result
    # The function is the user's own and may raise anything; its turn is at fault.
    except Exception as error:  # noqa: BLE001
        return TurnFailure(
            cause=f"tool_executor raised {type(error).__name__} for {asked.name}: {error}"
        )
    if isinstance(result, str):
        return result
    return TurnFailure(
        cause=f"tool_executor returned {type(result).__name__} for {asked.name}, but "
        "must return a text"
    )
