"""Video files as PyAV reads them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages.media import VideoSource
from pytest_evalkit.messages.video_reader import (
    FrameSize,
    ShownFrame,
    VideoReader,
    undecodable,
)


@contextmanager
def open_pyav(source: VideoSource) -> Iterator[VideoReader]:
    """Open a video file; whatever PyAV finds wrong with it is told as ours.

    Raises:
        DatasetError: It cannot be read or decoded, then or while the context lasts, or
            PyAV is not installed.
    """
    av = pyav("a video is taken apart")
    place = BytesIO(source.content) if source.path is None else str(source.path)
    try:
        with av.open(place) as container:
            if not container.streams.video:
                raise DatasetError("the video file has no pictures in it")
            yield _PyavReader(container, container.streams.video[0])
    except av.error.FFmpegError as error:
        raise undecodable(source, error.strerror) from error


def times_of(source: VideoSource) -> Sequence[float]:
    """Read when each frame is shown, in seconds from the first; nothing is decoded.

    Raises:
        DatasetError: It cannot be read, or PyAV is not installed.
    """
    with open_pyav(source) as reader:
        return reader.times_s


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


class _PyavReader:
    """An open file; its moments are in the time base of the stream."""

    def __init__(self, container: Any, stream: Any) -> None:
        packets = [
            packet
            for packet in container.demux(stream)
            if packet.pts is not None and not packet.is_discard
        ]
        if not packets:
            raise DatasetError("the video has no frames")
        self._container = container
        self._stream = stream
        self._moments: list[int] = sorted(packet.pts for packet in packets)
        self._keys: list[int] = sorted(
            packet.pts for packet in packets if packet.is_keyframe
        )
        first, unit = self._moments[0], stream.time_base
        self.times_s = [float((moment - first) * unit) for moment in self._moments]

    def frames(self, indices: Sequence[int], size: FrameSize) -> Iterator[ShownFrame]:
        """Decode from the nearest key frame before each moment, once per key frame."""
        decoding: Iterator[Any] = iter(())
        reached: int | None = None
        for index in indices:
            moment = self._moments[index]
            key = self._key_before(moment)
            if reached is None or key > reached:
                decoding = self._from(key)
            frame = _first_at(decoding, moment)
            if frame is None:
                raise DatasetError(
                    f"the video cannot be decoded at {self.times_s[index]:.1f} s"
                )
            reached = frame.pts
            yield ShownFrame(_image(frame, size), self._index(frame.pts))

    def _key_before(self, moment: int) -> int:
        place = bisect_right(self._keys, moment)
        return self._keys[place - 1] if place else self._moments[0]

    def _from(self, key: int) -> Iterator[Any]:
        self._container.seek(key, stream=self._stream, backward=True)
        frames: Iterator[Any] = self._container.decode(self._stream)
        return frames

    def _index(self, moment: int) -> int:
        return min(bisect_left(self._moments, moment), len(self._moments) - 1)


def _first_at(frames: Iterator[Any], moment: int) -> Any | None:
    for frame in frames:
        if frame.pts is not None and frame.pts >= moment:
            return frame
    return None


def _image(frame: Any, size: FrameSize) -> Any:
    width, height = size(frame.width, frame.height)
    image = frame.to_image(width=width, height=height)
    return image.rotate(frame.rotation, expand=True) if frame.rotation else image
