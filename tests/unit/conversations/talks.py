"""Conversations of the tests, and leading them by hand."""

from __future__ import annotations

import json
from typing import Any

from pytest_evalkit.conversations import (
    Conversation,
    DialogueRules,
    ExecuteTools,
    TurnFailure,
    TurnOutcome,
    TurnPrompt,
    conversations_of,
    dialogue,
)
from pytest_evalkit.messages import ToolCallPart, to_openai_messages
from pytest_evalkit.values import Response

SYSTEM = {"role": "system", "content": "S"}


def wire_call(call_id: str) -> dict[str, Any]:
    function = {"name": "f", "arguments": "{}"}
    return {"id": call_id, "type": "function", "function": function}


def talk(*messages: dict[str, Any], **fields: Any) -> Conversation:
    whole = {"conversation_id": "k", "messages": list(messages)} | fields
    (one,) = conversations_of([json.dumps(whole)])
    return one


def user(text: str, **fields: Any) -> dict[str, Any]:
    return {"role": "user", "content": text} | fields


def said(text: str | None, **fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text} | fields


PLAIN = talk(SYSTEM, user("a"), said("b"), user("c"), said("d"), user("e"))
TOOLS = talk(
    user("a"),
    {"role": "assistant", "content": None, "tool_calls": [wire_call("c1")]},
    {"role": "tool", "tool_call_id": "c1", "content": "x"},
    said("b"),
    user("c"),
)
LIVE = DialogueRules(history="live")
EXECUTING = DialogueRules(history="live", has_executor=True)
Answer = Response | TurnFailure


def bodies(prompts: list[TurnPrompt]) -> list[list[dict[str, Any]]]:
    return [to_openai_messages(prompt.messages) for prompt in prompts]


def led(
    conversation: Conversation, answers: list[Answer], rules: DialogueRules
) -> tuple[list[TurnPrompt], list[ExecuteTools], tuple[TurnOutcome, ...]]:
    """Lead a conversation; each call of a tool is answered by its id."""
    flow = dialogue(conversation, rules)
    left = iter(answers)
    prompts: list[TurnPrompt] = []
    executed: list[ExecuteTools] = []
    try:
        asked = next(flow)
        while True:
            if isinstance(asked, TurnPrompt):
                prompts.append(asked)
                asked = flow.send(next(left))
            else:
                executed.append(asked)
                asked = flow.send([f"ran {call.id}" for call in asked.calls])
    except StopIteration as stop:
        outcomes: tuple[TurnOutcome, ...] = stop.value
        return prompts, executed, outcomes


def calling(*ids: str, text: str = "") -> Response:
    calls = tuple(ToolCallPart(one, "f", "{}") for one in ids)
    return Response(text=text, tool_calls=calls)
