"""Frames out of video files: which ones, and decoding no more than those.

The times of all frames are read first, which takes no decoding; so a file that tells
neither its length nor its rate, or whose rate changes, has the right frames chosen.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from typing import Any, NamedTuple

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages.media import VideoSource
from pytest_evalkit.messages.message import VideoPart


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameChoice:
    """Which frames of a video are shown, and how large.

    Attributes:
        nframes: How many, spread evenly; a shorter video has all of its frames shown.
        fps: How many a second instead, or None for ``nframes``.
        max_frames: The most of them in either case, at least one.
        min_pixels: A frame with fewer is made larger; its proportions stay.
        max_pixels: A frame with more is made smaller; its proportions stay.
    """

    nframes: int
    fps: float | None
    max_frames: int
    min_pixels: int
    max_pixels: int


class DecodedFrame(NamedTuple):
    """A frame as an image.

    Attributes:
        image: A PIL image.
        time_s: Seconds from the beginning of the video.
    """

    image: Any
    time_s: float


def chosen_positions(times_s: Sequence[float], choice: FrameChoice) -> list[int]:
    """Choose among frames, spread evenly over their positions.

    The first and the last are among them, where there are two; positions between are
    rounded, as the preprocessing of Qwen's models does.

    Args:
        times_s: When each frame is shown, rising; at least one.
        choice: How many to choose.

    >>> sevenths = FrameChoice(
    ...     nframes=4, fps=None, max_frames=768, min_pixels=1, max_pixels=9
    ... )
    >>> chosen_positions([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6], sevenths)
    [0, 2, 4, 6]
    """
    total = len(times_s)
    wanted = choice.nframes
    if choice.fps is not None:
        wanted = math.floor(_duration_s(times_s) * choice.fps)
    count = max(1, min(wanted, choice.max_frames, total))
    if count == 1:
        return [0]
    return [round(step * (total - 1) / (count - 1)) for step in range(count)]


def decoded_frames(
    source: VideoSource, part: VideoPart, choice: FrameChoice
) -> Iterator[DecodedFrame]:
    """Decode the chosen frames of a video, one after another.

    Args:
        source: The file.
        part: Where the part to show begins and ends.
        choice: Which frames, and how large.

    Raises:
        DatasetError: The file cannot be read or decoded, has no frames there, or the
            package ``av`` is not installed.
    """
    with _opened(source) as container:
        stream = _stream(container)
        track = _Track.of(container, stream)
        moments = track.between(part.start_s, part.end_s)
        times_s = [track.time_s(moment) for moment in moments]
        wanted = [moments[place] for place in chosen_positions(times_s, choice)]
        size = None
        for frame in _decoded(container, stream, track, wanted):
            size = size or fitted_size(
                frame.width, frame.height, choice.min_pixels, choice.max_pixels
            )
            image = frame.to_image(width=size[0], height=size[1])
            if frame.rotation:
                image = image.rotate(frame.rotation, expand=True)
            yield DecodedFrame(image, track.time_s(frame.pts))


def fitted_size(
    width: int, height: int, min_pixels: int, max_pixels: int
) -> tuple[int, int]:
    """Scale a size so that its area lies between two bounds.

    >>> fitted_size(400, 100, 1, 10_000)
    (200, 50)
    """
    area = width * height
    if area > max_pixels:
        scale = math.sqrt(max_pixels / area)
        return max(1, math.floor(width * scale)), max(1, math.floor(height * scale))
    if area < min_pixels:
        scale = math.sqrt(min_pixels / area)
        return math.ceil(width * scale), math.ceil(height * scale)
    return width, height


def _duration_s(times_s: Sequence[float]) -> float:
    """Estimate how long the frames are shown: the last as long as the others."""
    shown = times_s[-1] - times_s[0]
    return shown + shown / max(1, len(times_s) - 1)


class _Track(NamedTuple):
    """What is known of a stream without decoding it; moments are in its time base."""

    moments: list[int]
    keys: list[int]
    time_base: Fraction

    @classmethod
    def of(cls, container: Any, stream: Any) -> _Track:
        packets = [
            packet
            for packet in container.demux(stream)
            if packet.pts is not None and not packet.is_discard
        ]
        if not packets:
            raise DatasetError("the video has no frames")
        return cls(
            moments=sorted(packet.pts for packet in packets),
            keys=sorted(packet.pts for packet in packets if packet.is_keyframe),
            time_base=stream.time_base,
        )

    def time_s(self, moment: int) -> float:
        return float((moment - self.moments[0]) * self.time_base)

    def between(self, start_s: float | None, end_s: float | None) -> list[int]:
        inside = [
            moment
            for moment in self.moments
            if (start_s is None or self.time_s(moment) >= start_s)
            and (end_s is None or self.time_s(moment) <= end_s)
        ]
        if not inside:
            last_s = self.time_s(self.moments[-1])
            raise DatasetError(
                f"the video has no frame between {start_s} and {end_s} s; its last is "
                f"at {last_s:.1f} s"
            )
        return inside

    def key_before(self, moment: int) -> int:
        place = bisect_right(self.keys, moment)
        return self.keys[place - 1] if place else self.moments[0]


def _decoded(
    container: Any, stream: Any, track: _Track, wanted: Sequence[int]
) -> Iterator[Any]:
    """Decode from the nearest key frame before each moment, once per key frame."""
    frames: Iterator[Any] = iter(())
    reached: int | None = None
    for moment in wanted:
        key = track.key_before(moment)
        if reached is None or key > reached:
            frames = _frames_from(container, stream, key)
        frame = _first_at(frames, moment)
        if frame is None:
            raise DatasetError(
                f"the video cannot be decoded at {track.time_s(moment):.1f} s"
            )
        reached = frame.pts
        yield frame


def _frames_from(container: Any, stream: Any, key: int) -> Iterator[Any]:
    container.seek(key, stream=stream, backward=True)
    frames: Iterator[Any] = container.decode(stream)
    return frames


def _first_at(frames: Iterator[Any], moment: int) -> Any | None:
    for frame in frames:
        if frame.pts is not None and frame.pts >= moment:
            return frame
    return None


@contextmanager
def _opened(source: VideoSource) -> Iterator[Any]:
    av = pyav("a video is taken apart")
    place = BytesIO(source.content) if source.path is None else str(source.path)
    try:
        with av.open(place) as container:
            yield container
    except av.error.FFmpegError as error:
        name = source.path or "the video"
        raise DatasetError(f"cannot decode {name}: {error.strerror}") from error


def pyav(purpose: str) -> Any:
    """Import PyAV.

    Args:
        purpose: What it is needed for, to be told where it is missing.

    Raises:
        DatasetError: It is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise DatasetError(
            f"{purpose} by the package av, which is not installed: "
            "pip install 'pytest-evalkit[video]'"
        ) from error
    return av


def _stream(container: Any) -> Any:
    if not container.streams.video:
        raise DatasetError("the video file has no pictures in it")
    return container.streams.video[0]
