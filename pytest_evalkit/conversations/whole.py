"""Conversations that stand on one line: an object taken apart to rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from pytest_evalkit.conversations.fields import SETTINGS, shown

_OWN = {"conversation_id", "messages", "system", "tools", *SETTINGS}


def rows_of(said: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Write a conversation that stands on one line as rows.

    A first message of the system is its system text. Messages of tools that follow each
    other are one row. What the object says of tools and of how to ask holds for each
    client row that does not say it itself.

    Args:
        said: ``conversation_id``, ``messages`` as the OpenAI protocol has them, and
            ``system``, ``tools`` and settings where there are any.

    Raises:
        ValueError: ``messages`` are no list of objects, or empty.
    """
    messages = list(_merged(_messages(said)))
    system = said.get("system")
    if messages and messages[0].get("role") in ("system", "developer"):
        content = messages.pop(0).get("content")
        system = content if system is None else system
    asked = {key: said[key] for key in ("tools", *SETTINGS) if key in said}
    for number, message in enumerate(messages, start=1):
        row = {"conversation_id": said.get("conversation_id"), "turn": number}
        if message.get("role") in ("user", "tool"):
            row |= asked
        if number == 1:
            row["system"] = system
        yield row | message


def others_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Take what an object says besides the conversation."""
    return {key: value for key, value in said.items() if key not in _OWN}


def _messages(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    messages = said["messages"]
    if not isinstance(messages, list) or not messages:
        raise ValueError(
            f"messages must be a list that is not empty, got {shown(messages)}"
        )
    for message in messages:
        if not isinstance(message, dict):
            raise ValueError(f"messages must be objects, got {shown(message)}")  # noqa: TRY004 - the value of a file
    return messages


def _merged(messages: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Gather the results of parallel calls, each a message of its own, in one row."""
    for is_result, together in groupby(messages, key=_is_result):
        said = list(together)
        if is_result:
            yield _results(said)
        else:
            yield from said


def _is_result(message: dict[str, Any]) -> bool:
    return message.get("role") == "tool" and "tool_results" not in message


def _results(messages: list[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "role": "tool",
        "tool_results": [
            {key: message.get(key) for key in ("tool_call_id", "content")}
            for message in messages
        ],
    }
    names = [message.get("name") for message in messages]
    # A row has one name: that of the tool, where only one has answered.
    return row | {"name": names[0]} if names.count(names[0]) == len(names) else row
