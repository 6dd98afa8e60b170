"""Telling what kind of part a value of a data set is."""

from __future__ import annotations

from collections.abc import Mapping
from mimetypes import guess_type
from pathlib import Path
from typing import Any

from pytest_evalkit.messages.media import AudioSource, ImageSource, VideoSource
from pytest_evalkit.messages.message import AudioPart, ImagePart, MediaPart, VideoPart
from pytest_evalkit.messages.signatures import audio_mime, image_mime, video_mime


def media_part(value: Any) -> MediaPart:
    """Take whatever a data set holds for an image, a sound or a video.

    A file is told by the end of its name, bytes by the first of them, and samples by
    their rate; everything else should be an image.

    Raises:
        DatasetError: It is no medium.
    """
    if isinstance(value, MediaPart):
        return value
    kind = _kind(value)
    if kind == "audio":
        return AudioPart(AudioSource.of(value))
    if kind == "video":
        return VideoPart(VideoSource.of(value))
    return ImagePart(ImageSource.of(value))


def _kind(value: Any) -> str:
    if isinstance(value, AudioSource) or hasattr(value, "get_all_samples"):
        return "audio"
    if isinstance(value, VideoSource):
        return "video"
    content, place = value, value
    if isinstance(value, Mapping):
        if "sampling_rate" in value:
            return "audio"
        content, place = value.get("bytes"), value.get("path")
    if isinstance(content, bytes | bytearray | memoryview):
        return _kind_of_bytes(bytes(content[:64]))
    if isinstance(place, str | Path):
        guessed, _ = guess_type(str(place))
        return (guessed or "image").partition("/")[0]
    return "image"


def _kind_of_bytes(head: bytes) -> str:
    if image_mime(head) is not None:
        return "image"
    mimes = (audio_mime(head) or "", video_mime(head))
    kinds = [mime.partition("/")[0] for mime in mimes]
    if "audio" in kinds:
        return "audio"
    return "video" if "video" in kinds else "image"
