"""Small pictures of what a document shows, for people who look at a run afterwards."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pytest_evalkit.messages.frame_choice import FrameChoice
from pytest_evalkit.messages.frames import Frame, VideoFrames
from pytest_evalkit.messages.images import (
    decoding_an_image,
    image_of,
    opened_image,
    upright,
)
from pytest_evalkit.messages.media import ImageSource, VideoSource, base64_text
from pytest_evalkit.messages.message import ImagePart, MediaPart, VideoPart
from pytest_evalkit.messages.pixels import in_rgb
from pytest_evalkit.messages.video import decode_video

SIDE = 160
"""The longer side of a small picture, in pixels."""

# Of the frames of a video, so many are shown; each further one tells less.
_MOST_FRAMES = 8
# Frames of a file have to be searched for and decoded.
_MOST_DECODED = 4
_QUALITY = 80
_BROWSER_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of a medium.

    Attributes:
        mime: Such as ``image/jpeg``.
        content: Its bytes as base64.
        label: What to say of it, such as the time of a frame; empty for nothing.
    """

    mime: str
    content: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Depicted:
    """A medium that pictures can be made of.

    Attributes:
        source: What it is.
        part: The part of a message that it stands in.
        label: What to say of its picture.
    """

    source: ImageSource | VideoSource
    part: MediaPart
    label: str = ""

    @property
    def sha256(self) -> str:
        """What identifies it in the record of a document.

        Raises:
            DatasetError: It cannot be read.
        """
        return self.source.sha256


def depicted(parts: Sequence[MediaPart]) -> Iterator[Depicted]:
    """List what pictures can be made of: images, videos, and some frames of videos.

    Media that only the endpoint reads, by their address, are left out.
    """
    for part in parts:
        if isinstance(part, VideoPart) and isinstance(part.source, VideoFrames):
            for frame in some_frames(part.source.frames):
                yield _of_frame(frame, part)
        elif isinstance(part, ImagePart | VideoPart):
            source = part.source
            assert not isinstance(source, VideoFrames), "they are an earlier case"
            if source.url is None:
                yield Depicted(source, part)


def _of_frame(frame: Frame, part: VideoPart) -> Depicted:
    return Depicted(frame.image, part, f"{frame.time_s:.1f} s")


def some_frames(frames: Sequence[_T]) -> Sequence[_T]:
    """Take the frames that are shown of many, evenly apart."""
    if len(frames) <= _MOST_FRAMES:
        return frames
    return [frames[n * len(frames) // _MOST_FRAMES] for n in range(_MOST_FRAMES)]


def small_pictures(medium: Depicted) -> list[Picture]:
    """Make a small picture of an image, or of a few frames of a video.

    Raises:
        DatasetError: It cannot be read or decoded.
    """
    if isinstance(medium.source, ImageSource):
        return [_jpeg(_reduced(medium.source), medium.label)]
    return _of_video(medium.source, medium.part)


def full_pictures(medium: Depicted) -> list[Picture]:
    """Take an image as it is, where browsers know its format, and as PNG otherwise.

    Of a video, a few frames are taken, made small.

    Raises:
        DatasetError: It cannot be read or decoded.
    """
    source = medium.source
    if not isinstance(source, ImageSource):
        return _of_video(source, medium.part)
    if source.mime in _BROWSER_TYPES:
        content, mime = source.content, source.mime
    else:
        with image_of(source) as image:
            content, mime = _encoded(in_rgb(image), "PNG"), "image/png"
    return [Picture(mime=mime, content=base64_text(content), label=medium.label)]


def _reduced(source: ImageSource) -> Any:
    """Make an image small; a JPEG is decoded no larger than that takes."""
    if source.decoded is not None:
        with image_of(source) as image:
            return _fitted(image.copy())
    with opened_image(source.content) as image:
        image.draft("RGB", (SIDE, SIDE))
        return _fitted(image)


def _fitted(image: Any) -> Any:
    image = in_rgb(image)
    image.thumbnail((SIDE, SIDE), reducing_gap=2.0)
    return upright(image)


def _of_video(source: VideoSource, part: MediaPart) -> list[Picture]:
    assert isinstance(part, VideoPart)
    choice = FrameChoice(
        nframes=_MOST_DECODED,
        fps=None,
        max_frames=_MOST_DECODED,
        min_pixels=1,
        max_pixels=SIDE * SIDE,
    )
    video = decode_video(source, part, choice)
    return [
        _jpeg(frame, f"{time_s:.1f} s")
        for frame, time_s in zip(video.frames, video.times_s, strict=True)
    ]


def _jpeg(image: Any, label: str) -> Picture:
    content = _encoded(image, "JPEG", quality=_QUALITY)
    return Picture(mime="image/jpeg", content=base64_text(content), label=label)


def _encoded(image: Any, kind: str, **how: Any) -> bytes:
    content = io.BytesIO()
    with decoding_an_image():
        image.save(content, kind, **how)
    return content.getvalue()
