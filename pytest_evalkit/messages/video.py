"""Frames out of videos: which ones, and decoding no more than those.

The times of all frames are read first, which takes no decoding; so a file that tells
neither its length nor its rate, or whose rate changes, has the right frames chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from pytest_evalkit.errors import DatasetError, OptionError
from pytest_evalkit.messages.decord_video import open_decord
from pytest_evalkit.messages.frame_choice import (
    FrameChoice,
    chosen_positions,
    shown_s,
)
from pytest_evalkit.messages.frames import VideoFrames
from pytest_evalkit.messages.images import rgb_image
from pytest_evalkit.messages.media import VideoSource, told_of
from pytest_evalkit.messages.message import VideoPart
from pytest_evalkit.messages.pyav_video import open_pyav
from pytest_evalkit.messages.torchcodec_video import open_torchcodec
from pytest_evalkit.messages.truncation import require_whole
from pytest_evalkit.messages.video_reader import VideoReader
from pytest_evalkit.naming import suggestion

DECODERS: Mapping[str, Callable[[VideoSource], AbstractContextManager[VideoReader]]] = {
    "pyav": open_pyav,
    "torchcodec": open_torchcodec,
    "decord": open_decord,
}


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A frame as an image.

    Attributes:
        image: A PIL image.
        time_s: Seconds from the beginning of the video.
        index: Its position among all frames of the video, from zero.
    """

    image: Any
    time_s: float
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedVideo:
    """The chosen frames of a video.

    Attributes:
        frames: PIL images in RGB, at least one.
        times_s: When each is shown, in seconds from the beginning of the video.
        indices: The position of each among all frames of the video, from zero; of
            frames that a data set holds, their positions among these.
        fps: Frames a second of the whole video, in the mean; None where it has no more
            than one, or only frames of it are known.
        duration_s: How long the whole video is, its last frame shown as long as the
            mean; None as for ``fps``.
    """

    frames: list[Any]
    times_s: list[float]
    indices: list[int]
    fps: float | None
    duration_s: float | None


class FrameStream(NamedTuple):
    """Frames that are decoded as they are asked for.

    Attributes:
        frames: The chosen ones, one after another.
        fps: As of ``DecodedVideo``.
        duration_s: The same.
    """

    frames: Iterator[DecodedFrame]
    fps: float | None
    duration_s: float | None


def decode_video(
    source: VideoSource | VideoFrames,
    part: VideoPart,
    choice: FrameChoice,
    decoder: str = "pyav",
) -> DecodedVideo:
    """Decode the chosen frames of a video.

    Frames that a data set holds are chosen among as those of a file are.

    Args:
        source: The file, or frames that were taken from one.
        part: Where the part to show begins and ends.
        choice: Which frames, and how large.
        decoder: What decodes a file: a key of ``DECODERS``. All choose the same frames.

    Raises:
        DatasetError: The video cannot be read or decoded, has no frames there, or the
            package that decodes it is not installed.
        OptionError: There is no such decoder.
    """
    with opened_video(source, part, choice, decoder) as stream:
        shown = list(stream.frames)
        return DecodedVideo(
            frames=[frame.image for frame in shown],
            times_s=[frame.time_s for frame in shown],
            indices=[frame.index for frame in shown],
            fps=stream.fps,
            duration_s=stream.duration_s,
        )


def decoded_frames(
    source: VideoSource | VideoFrames,
    part: VideoPart,
    choice: FrameChoice,
    decoder: str = "pyav",
) -> Iterator[DecodedFrame]:
    """Decode the chosen frames of a video, one after another.

    Arguments and exceptions are those of ``decode_video``.
    """
    with opened_video(source, part, choice, decoder) as stream:
        yield from stream.frames


def frames_note(indices: Sequence[int], times_s: Sequence[float]) -> str:
    """Say which frames of a video a model sees, for the record.

    >>> frames_note([0, 33], [0.0, 1.1])
    'a video was shown as 2 frames: 0 (0.000 s), 33 (1.100 s)'
    """
    seen = ", ".join(
        f"{index} ({time_s:.3f} s)"
        for index, time_s in zip(indices, times_s, strict=True)
    )
    noun = "frame" if len(indices) == 1 else "frames"
    return f"a video was shown as {len(indices)} {noun}: {seen}"


@contextmanager
def opened_video(
    source: VideoSource | VideoFrames,
    part: VideoPart,
    choice: FrameChoice,
    decoder: str = "pyav",
) -> Iterator[FrameStream]:
    """Open a video; its frames are decoded while the context lasts.

    Arguments and exceptions are those of ``decode_video``.
    """
    if decoder not in DECODERS:
        raise OptionError(
            f"unknown video decoder {decoder!r}; {suggestion(decoder, DECODERS)}"
        )
    if isinstance(source, VideoFrames):
        yield FrameStream(_frames_of_parts(source, part, choice), None, None)
        return
    with told_of(source):
        require_whole(source)
        with DECODERS[decoder](source) as reader:
            times_s = reader.times_s
            chosen = _chosen(times_s, part, choice)
            whole_s = shown_s(times_s) if len(times_s) > 1 else None
            fps = len(times_s) / whole_s if whole_s else None
            with closing(_frames_of_file(reader, chosen, choice)) as frames:
                yield FrameStream(frames, fps, whole_s)


def _chosen(
    times_s: Sequence[float], part: VideoPart, choice: FrameChoice
) -> list[int]:
    """Choose among the frames of the part that is to be shown."""
    inside = [
        index
        for index, time_s in enumerate(times_s)
        if (part.start_s is None or time_s >= part.start_s)
        and (part.end_s is None or time_s <= part.end_s)
    ]
    if not inside:
        raise DatasetError(
            f"the video has no frame between {part.start_s} and {part.end_s} s; its "
            f"last is at {times_s[-1]:.1f} s"
        )
    moments = [times_s[index] for index in inside]
    return [inside[place] for place in chosen_positions(moments, choice)]


def _frames_of_file(
    reader: VideoReader, chosen: Sequence[int], choice: FrameChoice
) -> Generator[DecodedFrame]:
    def size(width: int, height: int) -> tuple[int, int]:
        return choice.size(width, height, len(chosen))

    for shown in reader.frames(chosen, size):
        yield DecodedFrame(shown.image, reader.times_s[shown.index], shown.index)


def _frames_of_parts(
    source: VideoFrames, part: VideoPart, choice: FrameChoice
) -> Iterator[DecodedFrame]:
    times_s = [frame.time_s for frame in source.frames]
    chosen = _chosen(times_s, part, choice)
    for index in chosen:
        image = rgb_image(source.frames[index].image)
        size = choice.size(image.width, image.height, len(chosen))
        image = image if image.size == size else image.resize(size)
        yield DecodedFrame(image, times_s[index], index)
