"""The wire form of the answers of an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pytest_evalkit.codec import encode
from pytest_evalkit.messages import ToolCallPart
from pytest_evalkit.mockserver.likelihood import likeliest, logprobs_at
from pytest_evalkit.mockserver.payloads import last_user_text
from pytest_evalkit.mockserver.reply import Reply
from pytest_evalkit.mockserver.tokenizing import BOS
from pytest_evalkit.mockserver.tokenizing import decode as text_of
from pytest_evalkit.mockserver.tokenizing import encode as tokens_of
from pytest_evalkit.serving import error_body

CHAT_PATH = "/v1/chat/completions"
COMPLETIONS_PATH = "/v1/completions"
MODELS_PATH = "/v1/models"

# Answers are made at the beginning of the epoch: the same request, the same bytes.
CREATED = 0


def completion_body(
    path: str, payload: Mapping[str, Any], reply: Reply, number: int
) -> bytes:
    """Write a reply as the body of its response.

    Usage counts words, not tokens, as not every answer is cut into the latter.
    """
    if reply.body is not None:
        return reply.body
    if reply.status >= HTTPStatus.BAD_REQUEST:
        return error_body(reply.text, reply.status)
    is_chat = path == CHAT_PATH
    choice = {"index": 0, "finish_reason": finish_reason(reply), "logprobs": None}
    choice |= {"message": _message(reply)} if is_chat else {"text": reply.text}
    if payload.get("logprobs") and is_chat:
        choice["logprobs"] = {"content": chat_logprobs(payload, reply.text)}
    body = {
        "id": f"mock-{number}",
        "object": "chat.completion" if is_chat else "text_completion",
        "created": CREATED,
        "model": payload.get("model"),
        "choices": [choice],
    }
    return encode(
        body | ({"usage": usage(payload, reply)} if reply.tells_usage else {})
    )


def finish_reason(reply: Reply) -> str:
    """Say why the generation ended."""
    if reply.tool_calls and reply.finish_reason == "stop":
        return "tool_calls"
    return reply.finish_reason


def usage(payload: Mapping[str, Any], reply: Reply) -> dict[str, Any]:
    """Count the words of the question and of the answer."""
    asked = len(last_user_text(payload).split())
    thought = len((reply.reasoning or "").split())
    answered = len(reply.text.split()) + thought
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
        "completion_tokens_details": {"reasoning_tokens": thought},
    }


def chat_logprobs(payload: Mapping[str, Any], text: str) -> list[dict[str, Any]]:
    """Tell how likely the mock model finds each token of an answer."""
    most = payload.get("top_logprobs") or 0
    tokens = [BOS, *tokens_of(text)]
    told = []
    for position in range(1, len(tokens)):
        row = logprobs_at(tokens, position)
        best = likeliest(tokens, position)[:most]
        own = _likely(tokens[position], row[tokens[position]])
        told.append(own | {"top_logprobs": [_likely(one, row[one]) for one in best]})
    return told


def _likely(token: int, logprob: float) -> dict[str, Any]:
    return {"token": text_of([token]), "logprob": logprob, "bytes": None}


def models_body(models: Iterable[str]) -> bytes:
    """List the models that are served."""
    listed = [
        {"id": model, "object": "model", "created": CREATED, "owned_by": "mock"}
        for model in models
    ]
    return encode({"object": "list", "data": listed})


def tool_calls(calls: Iterable[ToolCallPart]) -> list[dict[str, Any]]:
    """Write tool calls as those of a message."""
    return [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in calls
    ]


def _message(reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.reasoning is not None:
        message["reasoning_content"] = reply.reasoning
    if reply.tool_calls:
        message["content"] = reply.text or None
        message["tool_calls"] = tool_calls(reply.tool_calls)
    return message
