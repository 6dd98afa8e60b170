"""Conversations in a session: their places in flight, and the tools in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.engine.drive import Ask
from pytest_evalkit.evaluate.calling_tools import calling_tools
from pytest_evalkit.evaluate.conversing import Executing
from pytest_evalkit.evaluate.document import Keeping
from pytest_evalkit.plugin.anchor import PENDING, Anchors
from pytest_evalkit.plugin.collection import DocumentItem, TaskNode
from pytest_evalkit.values import AnyResponse, Request

if TYPE_CHECKING:
    from pytest_evalkit.engine import Model
    from pytest_evalkit.plugin.run import Run


def is_conversation(item: DocumentItem) -> bool:
    """Tell whether a document is a conversation."""
    return item.parent.opened.task.conversation is not None


def executor_name(node: TaskNode) -> str | None:
    """Name the fixture that calls tools in the conversations of a task; or None."""
    rules = node.opened.task.conversation
    return None if rules is None else rules.tool_executor


def executors_of(items: Iterable[DocumentItem]) -> Mapping[pytest.File, list[str]]:
    """Name the fixtures that call tools in conversations, by the file that names them."""
    nodes = dict.fromkeys(item.parent for item in items)
    found: dict[pytest.File, dict[str, None]] = {}
    for node in nodes:
        name = executor_name(node)
        if name is not None:
            found.setdefault(node.file, {})[name] = None
    return {file: list(names) for file, names in found.items()}


def require_executors(anchors: Anchors, node: TaskNode) -> None:
    """Refuse a task whose fixture there is not.

    Raises:
        UsageError: There is none of that name.
    """
    name = executor_name(node)
    if name is None or name not in anchors.unknown(node.file):
        return
    task = node.opened.task
    path, line = task.recipe.source.place("conversation", "tool_executor")
    raise pytest.UsageError(
        f"{path}:{line}: conversation.tool_executor names the fixture {name!r}, and "
        "there is none; write it in a conftest.py beside the task or above"
    )


def executing(anchors: Anchors, node: TaskNode, place: Executor) -> Executing | None:
    """Get what answers calls of tools in the conversations of a task.

    Args:
        anchors: Have its fixture.
        node: The task.
        place: Where functions that are no coroutines run.

    Returns:
        None where nobody does.

    Raises:
        UsageError: The fixture is no function.
    """
    name = executor_name(node)
    if name is None:
        return None
    value = anchors.other(node.file, name)
    if not callable(value):
        raise pytest.UsageError(
            f"the fixture {name!r} is a {type(value).__name__}; a tool_executor is a "
            "function of the name of a tool and its arguments"
        )
    return calling_tools(value, node.opened.tool_names, place)


def is_pending(anchors: Anchors, node: TaskNode) -> bool:
    """Tell whether the fixture of a task has to wait its turn."""
    name = executor_name(node)
    return name is not None and anchors.other(node.file, name) is PENDING


def keeping(model: Model, run: Run) -> Keeping:
    """Make what takes a place in flight for a conversation.

    Between two turns nothing is waited for: what follows an answer is the next turn.
    """

    @asynccontextmanager
    async def keep(first: Request) -> AsyncIterator[Ask]:
        async with model.keep(first) as ask:

            async def ask_and_note(request: Request) -> AnyResponse:
                response = await ask(request)
                run.cache.note()
                return response

            yield ask_and_note

    return keep
