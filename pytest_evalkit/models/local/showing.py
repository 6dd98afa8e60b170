"""Media as a processor takes them, and which frames of a video a model is shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pytest_evalkit.errors import OptionError, RequestRejectedError
from pytest_evalkit.messages import (
    AudioPart,
    FrameChoice,
    ImagePart,
    MediaPart,
    VideoPart,
    decode_video,
    rgb_image,
    samples,
)
from pytest_evalkit.messages.video import DECODERS, frames_note
from pytest_evalkit.messages.video_environment import decoder_of_environment
from pytest_evalkit.naming import suggestion

# The part of a processor that takes each kind, and what the kind is called.
_TAKERS = {
    ImagePart: ("image_processor", "images"),
    VideoPart: ("video_processor", "videos"),
    AudioPart: ("feature_extractor", "sounds"),
}
# No frame is as large: its size is then the processor's to change.
_ANY_PIXELS = 1 << 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowRule:
    """Which frames of a video are shown.

    Attributes:
        max_num_frames: The most frames of one video; without ``fps``, as many as that,
            spread evenly.
        fps: How many frames a second; None for ``max_num_frames``.
        video_decoder: What decodes videos: ``pyav``, ``torchcodec`` or ``decord``. All
            choose the same frames. The default is the variable
            LMMS_VIDEO_DECODE_BACKEND, or FORCE_QWENVL_VIDEO_READER, and without these
            ``pyav``.
    """

    argument_aliases: ClassVar[dict[str, str]] = {
        "nframes": "max_num_frames",
        "max_frames_num": "max_num_frames",
    }

    max_num_frames: int = 32
    fps: float | None = None
    video_decoder: str = field(default_factory=decoder_of_environment)

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: A value is not above zero, or there is no such decoder.
        """
        if self.video_decoder not in DECODERS:
            raise OptionError(
                f"unknown video_decoder {self.video_decoder!r}; "
                f"{suggestion(self.video_decoder, DECODERS)}"
            )
        for one in dataclasses.fields(self):
            value = getattr(self, one.name)
            if isinstance(value, int | float) and value <= 0:
                raise OptionError(f"{one.name} must be above 0, got {value}")

    def choice(self, processor: Any) -> FrameChoice:  # noqa: ARG002 - families ask it
        """Tell which frames are shown, and how large before the processor's own rule."""
        return FrameChoice(
            nframes=self.max_num_frames,
            fps=self.fps,
            max_frames=self.max_num_frames,
            min_pixels=1,
            max_pixels=_ANY_PIXELS,
        )

    def images_kwargs(self, processor: Any) -> dict[str, Any]:  # noqa: ARG002 - likewise
        """Say what the processor of images is told besides."""
        return {}

    def videos_kwargs(self) -> dict[str, Any]:
        """Say what the processor of videos is told besides."""
        return {}


@dataclass(slots=True, kw_only=True)
class Shown:
    """The media of one request, decoded.

    Attributes:
        images: PIL images in RGB.
        videos: Frames of each video, as one array of time, height, width and colour.
        metadata: When the frames of each video are shown.
        sounds: Samples of each sound.
        rate: How many of them make a second, or None without sounds.
        notes: Which frames were chosen.
    """

    images: list[Any] = field(default_factory=list)
    videos: list[Any] = field(default_factory=list)
    metadata: list[Any] = field(default_factory=list)
    sounds: list[Any] = field(default_factory=list)
    rate: int | None = None
    notes: list[str] = field(default_factory=list)

    def arguments(self, rule: ShowRule, processor: Any) -> dict[str, Any]:
        """Give what a processor takes of them."""
        given: dict[str, Any] = {}
        if self.images:
            given["images"] = self.images
            given["images_kwargs"] = rule.images_kwargs(processor)
        if self.videos:
            given["videos"] = self.videos
            given["videos_kwargs"] = {
                **rule.videos_kwargs(),
                "do_sample_frames": False,
                "video_metadata": self.metadata,
            }
        if self.sounds:
            given["audio"] = self.sounds
            given["audio_kwargs"] = {"sampling_rate": self.rate}
        return given


def decoded(media: Iterable[MediaPart], rule: ShowRule, processor: Any) -> Shown:
    """Decode media in order, each by itself: frames are told by where they are.

    Args:
        media: What is shown, of kinds that the model takes.
        rule: Which frames of videos.
        processor: What takes them in the end.

    Raises:
        DatasetError: One cannot be read or decoded.
    """
    shown = Shown()
    for part in media:
        if isinstance(part, ImagePart):
            shown.images.append(rgb_image(part.source))
        elif isinstance(part, VideoPart):
            _add_video(shown, part, rule, processor)
        else:
            _add_sound(shown, part, processor)
    return shown


def require_kinds(media: Iterable[MediaPart], processor: Any | None) -> None:
    """Make sure that a model takes media of these kinds.

    Args:
        media: What is to be shown.
        processor: What takes them, or None where the model reads texts alone.

    Raises:
        RequestRejectedError: It takes none of a kind.
    """
    for part in media:
        if processor is None:
            raise RequestRejectedError(
                "the model reads texts alone, and the request has images or other media"
            )
        name, kinds = _TAKERS[type(part)]
        if getattr(processor, name, None) is None:
            raise RequestRejectedError(f"the model takes no {kinds}")


def _add_video(shown: Shown, part: VideoPart, rule: ShowRule, processor: Any) -> None:
    import numpy as np

    choice = rule.choice(processor)
    video = decode_video(part.source, part, choice, rule.video_decoder)
    shown.videos.append(np.stack([np.asarray(frame) for frame in video.frames]))
    shown.metadata.append(_metadata(video.times_s, part, video.duration_s))
    shown.notes.append(frames_note(video.indices, video.times_s))


def _metadata(times_s: list[float], part: VideoPart, duration_s: float | None) -> Any:
    """Tell when frames are shown, also where they do not follow each other evenly.

    Processors divide the position of a frame by the rate of the video. Of a video whose
    unit of position is the second, positions are times.
    """
    from transformers.video_utils import VideoMetadata

    begin_s = part.start_s or 0.0
    end_s = duration_s if part.end_s is None else part.end_s
    shown_s = times_s[-1] - times_s[0]
    if end_s is not None and end_s > begin_s:
        shown_s = end_s - begin_s
    elif len(times_s) > 1:
        shown_s += shown_s / (len(times_s) - 1)
    return VideoMetadata(
        total_num_frames=shown_s or 1.0,
        fps=1.0,
        duration=shown_s or 1.0,
        frames_indices=list(times_s),
    )


def _add_sound(shown: Shown, part: AudioPart, processor: Any) -> None:
    rate = int(processor.feature_extractor.sampling_rate)
    shown.rate = rate
    shown.sounds.append(samples(part.source, rate).samples)
