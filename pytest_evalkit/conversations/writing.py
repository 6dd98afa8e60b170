"""Conversations as plain JSON values: what scorers see, and what identifies them."""

from __future__ import annotations

from typing import Any

from pytest_evalkit.conversations.conversation import (
    Conversation,
    Turn,
    TurnSettings,
)
from pytest_evalkit.conversations.fields import PARAMETERS
from pytest_evalkit.messages import TextPart, ToolCallPart, ToolResultPart
from pytest_evalkit.values import Tool


def conversation_dict(conversation: Conversation) -> dict[str, Any]:
    """Write a conversation, each turn as its row says it.

    Returns:
        ``conversation_id``, ``system``, ``turns``, and what its line says besides.
    """
    return {
        **conversation.others,
        "conversation_id": conversation.id,
        "system": conversation.system,
        "turns": [_turn(turn) for turn in conversation.turns],
    }


def call_dict(call: ToolCallPart) -> dict[str, str]:
    """Write a call of a tool."""
    return {"id": call.id, "name": call.name, "arguments": call.arguments}


def _turn(turn: Turn) -> dict[str, Any]:
    message = turn.message
    said: dict[str, Any] = {**turn.others, "turn": turn.number, "role": message.role}
    has_text = any(isinstance(part, TextPart) for part in message.parts)
    if message.role != "tool":
        said["content"] = message.text if has_text else None
    calls = [part for part in message.parts if isinstance(part, ToolCallPart)]
    if calls:
        said["tool_calls"] = [_wire_call(call) for call in calls]
    results = [part for part in message.parts if isinstance(part, ToolResultPart)]
    if results:
        said["tool_results"] = [
            {"tool_call_id": one.tool_call_id, "content": one.content}
            for one in results
        ]
    beside = {
        "name": message.name,
        "reasoning_content": message.reasoning,
        "delay_seconds": turn.delay_s,
        **_settings(turn.settings),
    }
    return said | {key: value for key, value in beside.items() if value is not None}


def _wire_call(call: ToolCallPart) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _settings(settings: TurnSettings) -> dict[str, Any]:
    asked = settings.parameters
    tools = settings.tools
    return {
        "model": settings.model,
        "stream": settings.stream,
        "tools": None if tools is None else [_wire_tool(tool) for tool in tools],
        "max_completion_tokens": asked.max_tokens,
        "stop": list(asked.stop) or None,
        **{name: getattr(asked, name) for name in sorted(PARAMETERS)},
        **asked.extra,
    }


def _wire_tool(tool: Tool) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
        "strict": tool.is_strict,
    }
    return {"type": "function", "function": function}
