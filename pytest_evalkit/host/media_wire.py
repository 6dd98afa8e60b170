"""Messages between our own processes: every part as it is, media without loss.

What lies in a file of this machine goes as its path; everything else as its bytes. A
decoded image goes as PNG, with the turn that its camera noted, and is decoded again.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any

from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.messages import (
    AudioPart,
    AudioSource,
    Frame,
    ImagePart,
    ImageSource,
    MediaPart,
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    VideoFrames,
    VideoPart,
    VideoSource,
)
from pytest_evalkit.messages.media import MediaSource, base64_text
from pytest_evalkit.messages.message import Part

# Where a camera notes how it was held (EXIF 2.3, tag 274), and what no turn is.
_ORIENTATION = 0x0112
_UPRIGHT = 1

Wire = dict[str, Any]


def message_wire(message: Message, media: Iterator[Wire]) -> Wire:
    """Write a message.

    Args:
        message: What is said.
        media: The next medium each time, as ``medium_wire`` writes it.
    """
    parts = [
        next(media) if isinstance(part, MediaPart) else _plain(part)
        for part in message.parts
    ]
    return {
        "role": message.role,
        "parts": parts,
        "name": message.name,
        "reasoning": message.reasoning,
    }


def medium_wire(part: MediaPart) -> Wire:
    """Write an image, a sound or a video; slow, and meant for a thread.

    Raises:
        DatasetError: It cannot be read.
    """
    match part:
        case ImagePart(source):
            return {"type": "image", "source": _source(source)}
        case AudioPart(source):
            return {"type": "audio", "source": _source(source)}
        case VideoPart(source, start_s, end_s):
            span = {"start_s": start_s, "end_s": end_s}
            if isinstance(source, VideoFrames):
                frames = [
                    {"time_s": frame.time_s, "source": _source(frame.image)}
                    for frame in source.frames
                ]
                return {"type": "frames", "frames": frames, **span}
            return {"type": "video", "source": _source(source), **span}


def message_of(wire: Wire) -> Message:
    """Read a message.

    Raises:
        DatasetError: A medium in it is none.
        RequestRejectedError: It has a part that is not known here.
    """
    return Message(
        wire["role"],
        tuple(_part(part) for part in wire["parts"]),
        name=wire.get("name"),
        reasoning=wire.get("reasoning"),
    )


def _plain(part: Part) -> Wire:
    match part:
        case TextPart(text):
            return {"type": "text", "text": text}
        case ToolCallPart(call_id, name, arguments):
            return {
                "type": "tool_call",
                "id": call_id,
                "name": name,
                "arguments": arguments,
            }
        case ToolResultPart(call_id, content):
            return {"type": "tool_result", "id": call_id, "content": content}
    raise AssertionError(f"not a part of a message: {part!r}")


def _part(wire: Wire) -> Part:
    read = _READERS.get(wire["type"])
    if read is None:
        raise RequestRejectedError(f"not a part of a message: {wire['type']!r}")
    return read(wire)


def _video(wire: Wire) -> VideoPart:
    source = VideoSource.of(_place(wire["source"]))
    return VideoPart(source, wire["start_s"], wire["end_s"])


def _frames(wire: Wire) -> VideoPart:
    frames = tuple(
        Frame(_image(frame["source"]), frame["time_s"]) for frame in wire["frames"]
    )
    return VideoPart(VideoFrames(frames), wire["start_s"], wire["end_s"])


_READERS: Mapping[str, Callable[[Wire], Part]] = {
    "text": lambda wire: TextPart(wire["text"]),
    "image": lambda wire: ImagePart(_image(wire["source"])),
    "audio": lambda wire: AudioPart(AudioSource.of(_place(wire["source"]))),
    "video": _video,
    "frames": _frames,
    "tool_call": lambda wire: ToolCallPart(wire["id"], wire["name"], wire["arguments"]),
    "tool_result": lambda wire: ToolResultPart(wire["id"], wire["content"]),
}


def _source(source: MediaSource) -> Wire:
    if source.url is not None:
        return {"url": source.url}
    if source.path is not None:
        return {"path": str(source.path.absolute())}
    wire: Wire = {"bytes": base64_text(source.content)}
    decoded = source.decoded if isinstance(source, ImageSource) else None
    if decoded is not None:
        wire["orientation"] = decoded.getexif().get(_ORIENTATION, _UPRIGHT)
    return wire


def _place(wire: Wire) -> Any:
    """Give what a source of any kind is made of."""
    if "url" in wire:
        return wire["url"]
    if "path" in wire:
        return {"path": wire["path"]}
    return base64.b64decode(wire["bytes"])


def _image(wire: Wire) -> ImageSource:
    if "orientation" not in wire:
        return ImageSource.of(_place(wire))
    from PIL import Image

    image = Image.open(BytesIO(_place(wire)))
    image.load()
    if wire["orientation"] != _UPRIGHT:
        image.getexif()[_ORIENTATION] = wire["orientation"]
    return ImageSource.of(image)
