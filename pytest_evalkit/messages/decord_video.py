"""Video files as decord decodes them; PyAV tells when their frames are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
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

THREADS_VARIABLE = "LMMS_VIDEO_DECORD_THREADS"


@contextmanager
def open_decord(source: VideoSource) -> Iterator[VideoReader]:
    """Open a video file; whatever decord finds wrong with it is told as ours.

    The variable LMMS_VIDEO_DECORD_THREADS says how many threads decode it.

    Raises:
        DatasetError: It cannot be read or decoded, then or while the context lasts, or
            decord or PyAV is not installed.
        OptionError: The variable is no number.
    """
    decord = _decord()
    times_s = times_of(source)
    try:
        reader = decord.VideoReader(
            BytesIO(source.content) if source.path is None else str(source.path),
            num_threads=threads_of_environment(THREADS_VARIABLE, 2),
        )
        yield _DecordReader(source, reader, times_s)
    except (decord.DECORDError, RuntimeError, IndexError) as error:
        raise undecodable(source, error) from error


def _decord() -> Any:
    try:
        import decord
    except (ImportError, OSError, RuntimeError) as error:
        raise DatasetError(
            "the video decoder decord needs the package decord; importing it fails "
            f"with {type(error).__name__}"
        ) from error
    return decord


class _DecordReader:
    def __init__(
        self, source: VideoSource, reader: Any, times_s: Sequence[float]
    ) -> None:
        self._source = source
        self._reader = reader
        self.times_s = times_s

    def frames(self, indices: Sequence[int], size: FrameSize) -> Iterator[ShownFrame]:
        (first_s, _) = self._reader.get_frame_timestamp(0)
        for index in indices:
            (shown_s, _) = self._reader.get_frame_timestamp(index)
            found_s = float(shown_s - first_s)
            require_moment(self._source, "decord", self.times_s, index, found_s)
            yield ShownFrame(image_of(self._reader[index].asnumpy(), size), index)
