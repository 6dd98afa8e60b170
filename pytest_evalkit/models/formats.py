"""How messages reach a chat endpoint: their format, and their media as it takes them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, get_args

from msgspec import Struct

from pytest_evalkit.errors import DatasetError, OptionError, RequestRejectedError
from pytest_evalkit.messages import (
    MediaPart,
    Message,
    interleaved,
    media_of,
    to_openai_messages,
    to_qwen3_vl_openai_messages,
    with_system,
)
from pytest_evalkit.messages.frame_choice import FrameChoice
from pytest_evalkit.messages.openai_form import EncodedMedia
from pytest_evalkit.messages.video import DECODERS
from pytest_evalkit.messages.video_environment import (
    decoder_of_environment,
    total_pixels_of_environment,
)
from pytest_evalkit.models.encoding_pool import EncodingPool
from pytest_evalkit.models.image_encoding import ImageFormat, ImageRule
from pytest_evalkit.models.media_encoding import (
    MediaRule,
    SentMedium,
    encode_medium,
    key_of,
)
from pytest_evalkit.naming import suggestion

FORMATS: dict[
    str, Callable[[Iterable[Message], EncodedMedia | None], list[dict[str, Any]]]
] = {
    "openai": to_openai_messages,
    "qwen3_vl": to_qwen3_vl_openai_messages,
}

_MEGABYTE = 1 << 20
_CACHE_BYTES = 256 * _MEGABYTE
_IMAGE_FORMATS = get_args(ImageFormat)
_FORMAT_VARIABLE = "LMMS_IMAGE_ENCODE_FORMAT"
_QUALITY_VARIABLE = "LMMS_IMAGE_JPEG_QUALITY"
_MAX_QUALITY = 100


def _format_of_environment() -> str:
    said = os.getenv(_FORMAT_VARIABLE, "original").lower()
    return "jpeg" if said == "jpg" else said


def _quality_of_environment() -> int:
    said = os.getenv(_QUALITY_VARIABLE, "85")
    if not said.isdecimal():
        raise OptionError(f"{_QUALITY_VARIABLE} must be a number, got {said!r}")
    return int(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSettings:
    """How messages and the media in them are sent.

    Attributes:
        message_format: ``openai``, or ``qwen3_vl``, which says the time before each
            frame of a video.
        system_prompt: A text, or a file that holds one: it takes the place of the
            system message, or is put before a conversation that has none. None leaves
            the messages as they are.
        image_format: The kind of file that images are sent as: ``png``, ``jpeg``,
            ``webp``, or ``original``, which leaves files as they are and makes decoded
            images PNG. The default is the variable LMMS_IMAGE_ENCODE_FORMAT, and
            without that ``original``.
        image_quality: Of JPEG and WebP, from 1 to 100; the default is the variable
            LMMS_IMAGE_JPEG_QUALITY, and without that 85.
        image_max_pixels: An image with more is made smaller; None for no bound.
        max_size_in_mb: The largest image file, in units of 2**20 bytes; a larger one is
            made smaller until it fits, and the sample says so.
        pass_video_url: Whether the endpoint gets a video as an address or whole; else
            it gets frames as images.
        nframes: How many frames of a video, spread evenly.
        fps: How many frames a second instead; None for ``nframes``.
        max_frames: The most frames of one video.
        min_pixels: A frame with fewer is made larger.
        max_pixels: A frame with more is made smaller.
        total_pixels: The most pixels of all frames of one video together; None for any
            number. The default is twice the variable VIDEO_MAX_PIXELS, which counts
            two frames as one.
        video_decoder: What decodes videos: ``pyav``, ``torchcodec`` or ``decord``. All
            choose the same frames. The default is the variable
            LMMS_VIDEO_DECODE_BACKEND, or FORCE_QWENVL_VIDEO_READER, and without these
            ``pyav``.
        interleave_visuals: Whether media are sent where the text has a token for them,
            such as ``<image>`` or ``<image 1>``; else where the task put them.
    """

    argument_aliases: ClassVar[dict[str, str]] = {
        "max_frames_num": "nframes",
        "video_fps": "fps",
    }

    message_format: str = "openai"
    system_prompt: str | None = None
    image_format: str = field(default_factory=_format_of_environment)
    image_quality: int = field(default_factory=_quality_of_environment)
    image_max_pixels: int | None = None
    max_size_in_mb: float = 20
    pass_video_url: bool = False
    nframes: int = 64
    fps: float | None = None
    max_frames: int = 768
    min_pixels: int = 784
    max_pixels: int = 151_200
    total_pixels: int | None = field(default_factory=total_pixels_of_environment)
    video_decoder: str = field(default_factory=decoder_of_environment)
    interleave_visuals: bool = False

    def __post_init__(self) -> None:
        """Check names and ranges.

        Raises:
            OptionError: A name is unknown, or a number outside of its range.
        """
        _check_name("message_format", self.message_format, FORMATS)
        _check_name("image_format", self.image_format, _IMAGE_FORMATS)
        _check_name("video_decoder", self.video_decoder, DECODERS)
        if not 1 <= self.image_quality <= _MAX_QUALITY:
            raise OptionError(
                f"image_quality must be from 1 to 100, got {self.image_quality}"
            )
        positive = (
            "image_max_pixels",
            "max_size_in_mb",
            "nframes",
            "fps",
            "max_frames",
            "min_pixels",
            "max_pixels",
            "total_pixels",
        )
        for name in positive:
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise OptionError(f"{name} must be above 0, got {value}")
        if self.min_pixels > self.max_pixels:
            raise OptionError(
                f"min_pixels must not be above max_pixels, got {self.min_pixels} and "
                f"{self.max_pixels}"
            )

    @property
    def media(self) -> MediaRule:
        """What media may be like when they are sent."""
        return MediaRule(
            image=ImageRule(
                format=self.image_format,  # type: ignore[arg-type]  # was checked
                quality=self.image_quality,
                max_bytes=int(self.max_size_in_mb * _MEGABYTE),
                max_pixels=self.image_max_pixels,
            ),
            frames=FrameChoice(
                nframes=self.nframes,
                fps=self.fps,
                max_frames=self.max_frames,
                min_pixels=self.min_pixels,
                max_pixels=self.max_pixels,
                total_pixels=self.total_pixels,
            ),
            video_decoder=self.video_decoder,
            pass_video_url=self.pass_video_url,
        )


class PreparedMessages(Struct, frozen=True):
    """Messages as an endpoint is to see them.

    Attributes:
        messages: Their wire form.
        notes: What was changed in them on the way, in words for the record.
        is_text: Whether no medium is among them.
    """

    messages: list[dict[str, Any]]
    notes: tuple[str, ...]
    is_text: bool = True


class MessageFormat:
    """Writes messages for an endpoint; media are encoded in threads, and kept a while.

    Args:
        settings: How.

    Raises:
        OptionError: ``system_prompt`` is a file that cannot be read.
    """

    def __init__(self, settings: MessageSettings) -> None:
        self._write = FORMATS[settings.message_format]
        self._rule = settings.media
        self._is_interleaving = settings.interleave_visuals
        self._system = _text_of(settings.system_prompt)
        self._pool: EncodingPool[SentMedium] = EncodingPool(max_bytes=_CACHE_BYTES)

    @property
    def system_prompt(self) -> str | None:
        """The text that takes the place of the system message, or None."""
        return self._system

    async def prepare(self, messages: Sequence[Message]) -> PreparedMessages:
        """Write messages as the endpoint takes them.

        Raises:
            RequestRejectedError: A medium cannot be read or has no form to be sent in.
        """
        notes: tuple[str, ...] = ()
        if self._system is not None:
            messages = with_system(messages, self._system)
            notes = ("the system message is the model's system_prompt",)
        if self._is_interleaving:
            messages = [interleaved(message) for message in messages]
        parts = media_of(messages)
        if not parts:
            return PreparedMessages(self._write(messages, None), notes)
        try:
            sent = await asyncio.gather(*(self._encoded(part) for part in parts))
        except DatasetError as error:
            raise RequestRejectedError(str(error)) from error
        media = {part: one.medium for part, one in zip(parts, sent, strict=True)}
        media_notes = tuple(note for one in sent for note in one.notes)
        return PreparedMessages(
            self._write(messages, media), notes + media_notes, is_text=False
        )

    async def run(self, function: Callable[[], bytes]) -> bytes:
        """Do something long with what was prepared, in the same few threads.

        Whatever it raises is raised.
        """
        return await self._pool.run(function)

    async def aclose(self) -> None:
        """End the threads."""
        await self._pool.aclose()

    async def _encoded(self, part: MediaPart) -> SentMedium:
        if part.source.is_identified:
            key = key_of(part)
        else:
            # Reading a file, or every pixel of an image, takes a while.
            key = await self._pool.run(partial(key_of, part))
        return await self._pool.make(key, partial(encode_medium, part, self._rule))


def _check_name(argument: str, name: str, valid: Iterable[str]) -> None:
    if name not in valid:
        raise OptionError(f"unknown {argument} {name!r}; {suggestion(name, valid)}")


def _text_of(prompt: str | None) -> str | None:
    """Read a text from the file that it names, or take it as it is.

    Raises:
        OptionError: The file cannot be read.
    """
    if prompt is None or not _names_a_file(prompt):
        return prompt
    try:
        return Path(prompt).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"cannot read system_prompt {prompt!r}: {error}") from error


def _names_a_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        # Too long for a name, or with a character that none can have.
        return False
