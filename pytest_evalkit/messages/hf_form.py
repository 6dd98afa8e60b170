"""Messages as the chat templates of transformers take them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages.message import (
    AudioPart,
    ImagePart,
    MediaPart,
    Message,
    Part,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    VideoPart,
)
from pytest_evalkit.messages.openai_form import beside

_KINDS: Mapping[type[MediaPart], str] = {
    ImagePart: "image",
    AudioPart: "audio",
    VideoPart: "video",
}


def to_hf_messages(
    messages: Iterable[Message],
    media: Mapping[MediaPart, Any] | None = None,
    *,
    is_text_alone: bool = False,
) -> list[dict[str, Any]]:
    """Write messages as ``apply_chat_template`` takes them.

    A content is a list of parts: ``{"type": "text", "text": ...}``, or a type of
    medium, ``{"type": "image"}``, where the template writes the token for it. A
    processor is given the media themselves beside, in the order of ``media_of``.

    Args:
        messages: What is said.
        media: What stands for each medium in its part, under the name of its type:
            ``{"type": "image", "image": ...}``; None for parts of a type alone.
        is_text_alone: Whether a content is one text, as templates of models that know
            no media want it.

    Raises:
        DatasetError: There are media, and the content is to be one text; or the
            arguments of a tool call are no JSON object.
    """
    said: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "tool":
            said.extend(_results(message))
        else:
            said.append(_message(message, media, is_text_alone=is_text_alone))
    return said


def media_of(messages: Iterable[Message]) -> tuple[MediaPart, ...]:
    """List the media of messages in the order in which they are said.

    A medium that is said twice is listed twice.
    """
    found: list[MediaPart] = []
    for message in messages:
        found += message.media
    return tuple(found)


def _message(
    message: Message, media: Mapping[MediaPart, Any] | None, *, is_text_alone: bool
) -> dict[str, Any]:
    said: dict[str, Any] = {"role": message.role}
    if is_text_alone:
        said["content"] = _text(message)
    else:
        said["content"] = [
            _part(part, media)
            for part in message.parts
            if isinstance(part, TextPart | MediaPart)
        ]
    calls = [_call(part) for part in message.parts if isinstance(part, ToolCallPart)]
    if calls:
        said["tool_calls"] = calls
    return said | beside(message)


def _text(message: Message) -> str:
    if message.media:
        kind = _KINDS[type(message.media[0])]
        raise DatasetError(f"a model of text alone cannot be shown the {kind} here")
    return message.text


def _part(part: Part, media: Mapping[MediaPart, Any] | None) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    assert isinstance(part, MediaPart)
    kind = _KINDS[type(part)]
    return {"type": kind} if media is None else {"type": kind, kind: media[part]}


def _call(call: ToolCallPart) -> dict[str, Any]:
    """Write a call as templates want it, which write the arguments out themselves."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise DatasetError(
            f"the arguments of the tool call {call.name} are no JSON object: "
            f"{call.arguments!r}"
        )
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def _results(message: Message) -> list[dict[str, Any]]:
    return [
        {"role": "tool", "tool_call_id": part.tool_call_id, "content": part.content}
        | beside(message)
        for part in message.parts
        if isinstance(part, ToolResultPart)
    ]
