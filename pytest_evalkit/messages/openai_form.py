"""Messages as the OpenAI chat protocol writes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_evalkit.messages.message import Message, Part, TextPart


def to_openai_messages(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Write messages as ``messages`` of a chat completion request.

    A message of text alone has a string as its content; images become data URLs.
    """
    return [
        {"role": message.role, "content": _content(message)} for message in messages
    ]


def _content(message: Message) -> str | list[dict[str, Any]]:
    if all(isinstance(part, TextPart) for part in message.parts):
        return message.text
    return [_part(part) for part in message.parts]


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    return {"type": "image_url", "image_url": {"url": part.source.data_url()}}
