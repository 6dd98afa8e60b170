"""Messages as the record of a document holds them: media by their hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from pytest_evalkit.codec import encode_canonical
from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages.frames import Frame, VideoFrames
from pytest_evalkit.messages.media import (
    AudioSource,
    ImageSource,
    MediaSource,
    VideoSource,
)
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

_Source = TypeVar("_Source", bound=MediaSource)


def message_dicts(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Write messages for the record: texts in full, media by their hash.

    Raises:
        DatasetError: A medium cannot be read.
    """
    return [_message(message) for message in messages]


def messages_hash(messages: Iterable[Message]) -> str:
    """Hash what is said, media by their content, as SHA-256 in hexadecimal.

    Raises:
        DatasetError: A medium cannot be read.
    """
    return hashlib.sha256(encode_canonical(message_dicts(messages))).hexdigest()


def messages_from(
    said: Iterable[Mapping[str, Any]], media: Mapping[str, MediaSource]
) -> tuple[Message, ...]:
    """Read messages from their record.

    Args:
        said: What ``message_dicts`` wrote.
        media: The media in them by their hashes. One with an address that is recorded
            in full may be absent.

    Raises:
        DatasetError: A medium is not among them, or is of another kind, or a part has a
            type that there is not.
    """
    return tuple(
        Message(
            message["role"],
            _parts_from(message["content"], media),
            name=message.get("name"),
            reasoning=message.get("reasoning"),
        )
        for message in said
    )


def _parts_from(
    content: str | Iterable[Mapping[str, Any]], media: Mapping[str, MediaSource]
) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (TextPart(content),)
    return tuple(_part_from(part, media) for part in content)


def _part_from(part: Mapping[str, Any], media: Mapping[str, MediaSource]) -> Part:
    match part["type"]:
        case "text":
            return TextPart(part["text"])
        case "image":
            return ImagePart(_source_from(part, media, ImageSource))
        case "audio":
            return AudioPart(_source_from(part, media, AudioSource))
        case "video":
            return _video_from(part, media)
        case "tool_call":
            return ToolCallPart(part["id"], part["name"], part["arguments"])
        case "tool_result":
            return ToolResultPart(part["tool_call_id"], part["content"])
        case unknown:
            raise DatasetError(f"a part of a message has the unknown type {unknown!r}")


def _video_from(part: Mapping[str, Any], media: Mapping[str, MediaSource]) -> VideoPart:
    span = (part.get("start_s"), part.get("end_s"))
    if "frames" not in part:
        return VideoPart(_source_from(part, media, VideoSource), *span)
    frames = [
        Frame(_source_from(frame, media, ImageSource), frame["time_s"])
        for frame in part["frames"]
    ]
    return VideoPart(VideoFrames(tuple(frames)), *span)


def _source_from(
    part: Mapping[str, Any], media: Mapping[str, MediaSource], kind: type[_Source]
) -> _Source:
    digest = part["sha256"]
    source = media.get(digest)
    if source is None and "url" in part:
        source = kind.of(part["url"])
        # Of an address with a key in it, the key is not recorded.
        source = source if source.sha256 == digest else None
    if isinstance(source, kind):
        return source
    if source is None:
        raise DatasetError(f"the {kind.noun} {digest} is not among the media")
    raise DatasetError(f"{digest} should be of the kind {kind.noun}, not {source.noun}")


def _message(message: Message) -> dict[str, Any]:
    said = {"role": message.role, "content": _content(message)}
    if message.name is None and message.reasoning is None:
        return said
    beside = {"name": message.name, "reasoning": message.reasoning}
    # What is not there is not written: what was recorded before keeps its hash.
    return said | {key: text for key, text in beside.items() if text is not None}


def _content(message: Message) -> str | list[dict[str, Any]]:
    text = message.only_text
    if text is not None:
        return text
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
