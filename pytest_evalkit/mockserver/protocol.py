"""The wire form of the answers of an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pytest_evalkit.codec import encode
from pytest_evalkit.mockserver.payloads import last_user_text
from pytest_evalkit.mockserver.reply import Reply

CHAT_PATH = "/v1/chat/completions"
COMPLETIONS_PATH = "/v1/completions"
MODELS_PATH = "/v1/models"

_REASONS = {status.value: status.phrase for status in HTTPStatus}
# Answers are made at the beginning of the epoch: the same request, the same bytes.
_CREATED = 0


def completion_body(
    path: str, payload: Mapping[str, Any], reply: Reply, number: int
) -> bytes:
    """Write a reply as the body of its response.

    Usage counts words, not tokens: a mock has no tokenizer.
    """
    if reply.body is not None:
        return reply.body
    if reply.status >= HTTPStatus.BAD_REQUEST:
        return error_body(reply.text, reply.status)
    is_chat = path == CHAT_PATH
    choice = {"index": 0, "finish_reason": reply.finish_reason, "logprobs": None}
    choice |= {"message": _message(reply)} if is_chat else {"text": reply.text}
    return encode(
        {
            "id": f"mock-{number}",
            "object": "chat.completion" if is_chat else "text_completion",
            "created": _CREATED,
            "model": payload.get("model"),
            "choices": [choice],
            "usage": _usage(payload, reply),
        }
    )


def error_body(message: str, status: int) -> bytes:
    """Write an error as OpenAI writes it."""
    phrase = _REASONS.get(status, "Error")
    kind = phrase.lower().replace(" ", "_")
    error = {"message": message or phrase, "type": kind, "param": None, "code": None}
    return encode({"error": error})


def models_body() -> bytes:
    """List the one model there is."""
    model = {"id": "mock", "object": "model", "created": _CREATED, "owned_by": "mock"}
    return encode({"object": "list", "data": [model]})


def http_response(
    status: int, body: bytes, *, headers: Mapping[str, str], keep_alive: bool
) -> bytes:
    """Put the head in front of a body."""
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if not keep_alive:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "\r\n"]).encode("latin-1") + body


def _message(reply: Reply) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text}
    if reply.reasoning is not None:
        message["reasoning_content"] = reply.reasoning
    return message


def _usage(payload: Mapping[str, Any], reply: Reply) -> dict[str, Any]:
    asked = len(last_user_text(payload).split())
    thought = len((reply.reasoning or "").split())
    answered = len(reply.text.split()) + thought
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
        "completion_tokens_details": {"reasoning_tokens": thought},
    }
