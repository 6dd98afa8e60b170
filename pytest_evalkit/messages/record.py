"""Messages as the record of a document holds them: media by their hashes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pytest_evalkit.messages.frames import VideoFrames
from pytest_evalkit.messages.media import MediaSource
from pytest_evalkit.messages.message import (
    AudioPart,
    ImagePart,
    Message,
    Part,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    VideoPart,
)


def message_dicts(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Write messages for the record: texts in full, media by their hash.

    Raises:
        DatasetError: A medium cannot be read.
    """
    return [
        {"role": message.role, "content": _content(message)} for message in messages
    ]


def _content(message: Message) -> str | list[dict[str, Any]]:
    if len(message.parts) == 1 and isinstance(message.parts[0], TextPart):
        return message.parts[0].text
    return [_part(part) for part in message.parts]


def _part(part: Part) -> dict[str, Any]:
    match part:
        case TextPart(text):
            return {"type": "text", "text": text}
        case ImagePart(source):
            return {"type": "image", **_medium(source)}
        case AudioPart(source):
            return {"type": "audio", **_medium(source)}
        case VideoPart():
            return _video(part)
        case ToolCallPart(id=call_id, name=name, arguments=arguments):
            return {
                "type": "tool_call",
                "id": call_id,
                "name": name,
                "arguments": arguments,
            }
        case ToolResultPart(tool_call_id=call_id, content=content):
            return {"type": "tool_result", "tool_call_id": call_id, "content": content}


def _medium(source: MediaSource) -> dict[str, Any]:
    if source.url is not None:
        return {"url": _without_secrets(source.url), "sha256": source.sha256}
    return {"mime": source.mime, "sha256": source.sha256}


def _without_secrets(url: str) -> str:
    """Leave out the user, and what follows a question mark; both may be keys."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=host, query="", fragment=""))


def _video(part: VideoPart) -> dict[str, Any]:
    span = {"start_s": part.start_s, "end_s": part.end_s}
    said = {name: value for name, value in span.items() if value is not None}
    if not isinstance(part.source, VideoFrames):
        return {"type": "video", **_medium(part.source), **said}
    frames = [
        {"time_s": frame.time_s, "sha256": frame.image.sha256}
        for frame in part.source.frames
    ]
    return {"type": "video", "frames": frames, **said}
