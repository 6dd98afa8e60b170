"""Messages as the OpenAI chat protocol writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages.frames import VideoFrames
from pytest_evalkit.messages.media import MediaSource, base64_text
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

AUDIO_FORMATS = {"audio/wav": "wav", "audio/mpeg": "mp3"}


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """An image, ready to be sent.

    Attributes:
        url: A data URL, or the address for the endpoint to fetch.
    """

    url: str


@dataclass(frozen=True, slots=True)
class EncodedAudio:
    """A sound, ready to be sent.

    Attributes:
        base64: The file.
        format: What the protocol calls its kind: ``wav`` or ``mp3``.
    """

    base64: str
    format: str


@dataclass(frozen=True, slots=True)
class EncodedVideo:
    """A video that the endpoint takes apart itself.

    Attributes:
        url: A data URL, or the address for the endpoint to fetch.
    """

    url: str


class EncodedFrame(NamedTuple):
    """One frame of a video, ready to be sent.

    Attributes:
        time_s: Seconds from the beginning of the video.
        url: The image as a data URL.
    """

    time_s: float
    url: str


@dataclass(frozen=True, slots=True)
class EncodedFrames:
    """A video as the images that it is made of.

    Attributes:
        frames: In the order in which they are shown.
    """

    frames: tuple[EncodedFrame, ...]


EncodedMedium = EncodedImage | EncodedAudio | EncodedVideo | EncodedFrames
EncodedMedia = Mapping[MediaPart, EncodedMedium]
FrameForm = Callable[[EncodedFrame], Sequence[dict[str, Any]]]


def to_openai_messages(
    messages: Iterable[Message], media: EncodedMedia | None = None
) -> list[dict[str, Any]]:
    """Write messages as ``messages`` of a chat completion request.

    A message of text alone has a string as its content. Of a video that is sent as
    frames, each frame is an image, with nothing between them.

    Args:
        messages: What is said.
        media: Each medium in them as it is to be sent; None to send the files as they
            are.

    Raises:
        DatasetError: A medium cannot be read, or has no form in the protocol.
    """
    return written(messages, media, plain_frame)


def to_qwen3_vl_openai_messages(
    messages: Iterable[Message], media: EncodedMedia | None = None
) -> list[dict[str, Any]]:
    """Write messages as ``to_openai_messages`` does, each frame with its time.

    Before each frame of a video stands a text such as ``<3.5 seconds>``, as the models
    of this family were trained on.

    Args:
        messages: What is said.
        media: As for ``to_openai_messages``.

    Raises:
        DatasetError: A medium cannot be read, or has no form in the protocol.
    """
    return written(messages, media, timed_frame)


def plain_frame(frame: EncodedFrame) -> Sequence[dict[str, Any]]:
    """Write a frame as an image."""
    return (_image(frame.url),)


def timed_frame(frame: EncodedFrame) -> Sequence[dict[str, Any]]:
    """Write a frame as its time, to a tenth of a second, and an image."""
    return _text(f"<{frame.time_s:.1f} seconds>"), _image(frame.url)


def written(
    messages: Iterable[Message], media: EncodedMedia | None, frame: FrameForm
) -> list[dict[str, Any]]:
    """Write messages as the protocol does, but for the frames of videos.

    Args:
        messages: What is said.
        media: As for ``to_openai_messages``.
        frame: Writes one frame as parts of a message.

    Raises:
        DatasetError: A medium cannot be read, or has no form in the protocol.
    """
    said: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "tool":
            said.extend(_results(message))
        else:
            said.append(_message(message, media, frame))
    return said


def unchanged(part: MediaPart) -> EncodedMedium:
    """Encode a medium as the file that it is.

    Raises:
        DatasetError: It cannot be read, or has no form in the protocol.
    """
    match part:
        case ImagePart(source):
            return EncodedImage(url_of(source))
        case AudioPart(source):
            kind = AUDIO_FORMATS.get(source.mime)
            if kind is None:
                raise DatasetError(
                    f"a sound is sent as WAV or MP3, and this is {source.mime}"
                )
            return EncodedAudio(base64_text(source.content), kind)
        case VideoPart(source):
            if not isinstance(source, VideoFrames):
                return EncodedVideo(url_of(source))
            return EncodedFrames(
                tuple(
                    EncodedFrame(frame.time_s, url_of(frame.image))
                    for frame in source.frames
                )
            )


def url_of(source: MediaSource) -> str:
    """Give the address of a medium, or its content as a data URL.

    Raises:
        DatasetError: It cannot be read.
    """
    return source.url or source.data_url()


def _message(
    message: Message, media: EncodedMedia | None, frame: FrameForm
) -> dict[str, Any]:
    text = message.only_text
    if text is not None:
        return {"role": message.role, "content": text, **beside(message)}
    calls = [part for part in message.parts if isinstance(part, ToolCallPart)]
    said: dict[str, Any] = {
        "role": message.role,
        "content": _content(message, media, frame),
    }
    if calls:
        is_silent = len(calls) == len(message.parts)
        said["content"] = None if is_silent else said["content"]
        said["tool_calls"] = [_call(call) for call in calls]
    return said | beside(message)


def beside(message: Message) -> dict[str, str]:
    """Write what a message has beside its content: a name and earlier thought."""
    if message.name is None and message.reasoning is None:
        return {}
    said = {"name": message.name, "reasoning_content": message.reasoning}
    return {key: text for key, text in said.items() if text is not None}


def _content(
    message: Message, media: EncodedMedia | None, frame: FrameForm
) -> str | list[dict[str, Any]]:
    if not message.media:
        return message.text
    return [said for part in message.parts for said in _parts(part, media, frame)]


def _parts(
    part: Part, media: EncodedMedia | None, frame: FrameForm
) -> Sequence[dict[str, Any]]:
    if isinstance(part, TextPart):
        return (_text(part.text),)
    if not isinstance(part, MediaPart):
        return ()
    match unchanged(part) if media is None else media[part]:
        case EncodedImage(url):
            return (_image(url),)
        case EncodedAudio(text, kind):
            audio = {"data": text, "format": kind}
            return ({"type": "input_audio", "input_audio": audio},)
        case EncodedVideo(url):
            return ({"type": "video_url", "video_url": {"url": url}},)
        case EncodedFrames(frames):
            return [said for one in frames for said in frame(one)]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def _call(call: ToolCallPart) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _results(message: Message) -> list[dict[str, Any]]:
    """Write one message for each result: the protocol takes no two in one."""
    return [
        {"role": "tool", "tool_call_id": part.tool_call_id, "content": part.content}
        | beside(message)
        for part in message.parts
        if isinstance(part, ToolResultPart)
    ]
