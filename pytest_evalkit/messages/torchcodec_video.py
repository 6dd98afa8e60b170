"""Video files as TorchCodec decodes them; PyAV tells when their frames are shown."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages.media import VideoSource
from pytest_evalkit.messages.pyav_video import times_of
from pytest_evalkit.messages.video_reader import (
    FrameSize,
    ShownFrame,
    VideoReader,
    image_of,
    require_moment,
    threads_of_environment,
    undecodable,
)

THREADS_VARIABLE = "LMMS_VIDEO_TORCHCODEC_THREADS"
DEVICE_VARIABLE = "LMMS_VIDEO_TORCHCODEC_DEVICE"


@contextmanager
def open_torchcodec(source: VideoSource) -> Iterator[VideoReader]:
    """Open a video file; whatever TorchCodec finds wrong with it is told as ours.

    The variable LMMS_VIDEO_TORCHCODEC_THREADS says how many threads decode it, and
    LMMS_VIDEO_TORCHCODEC_DEVICE on which device.

    Raises:
        DatasetError: It cannot be read or decoded, then or while the context lasts, or
            TorchCodec or PyAV is not installed.
        OptionError: A variable is no number.
    """
    decoders = _decoders()
    times_s = times_of(source)
    try:
        decoder = decoders.VideoDecoder(
            source.content if source.path is None else str(source.path),
            dimension_order="NHWC",
            num_ffmpeg_threads=threads_of_environment(THREADS_VARIABLE, 1),
            device=os.getenv(DEVICE_VARIABLE, "cpu"),
            seek_mode="exact",
        )
        yield _TorchcodecReader(source, decoder, times_s)
    except (RuntimeError, ValueError, IndexError) as error:
        raise undecodable(source, error) from error


def _decoders() -> Any:
    try:
        from torchcodec import decoders
    except (ImportError, OSError, RuntimeError) as error:
        # Where it is installed and FFmpeg is not, it fails with a page of attempts.
        raise DatasetError(
            "the video decoder torchcodec needs the packages torch and torchcodec, and "
            f"the libraries of FFmpeg; importing it fails with {type(error).__name__}"
        ) from error
    return decoders


class _TorchcodecReader:
    def __init__(
        self, source: VideoSource, decoder: Any, times_s: Sequence[float]
    ) -> None:
        self._source = source
        self._decoder = decoder
        self.times_s = times_s

    def frames(self, indices: Sequence[int], size: FrameSize) -> Iterator[ShownFrame]:
        begin_s = self._decoder.metadata.begin_stream_seconds
        for index in indices:
            frame = self._decoder.get_frame_at(index)
            found_s = frame.pts_seconds - begin_s
            require_moment(self._source, "torchcodec", self.times_s, index, found_s)
            yield ShownFrame(image_of(frame.data.cpu().numpy(), size), index)
