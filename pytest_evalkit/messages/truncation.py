"""Files of videos that end too early, told by the lengths that they promise.

What is missing at the end of such a file would be left out without a word: the frames
before it decode, and the last of them passes for the end.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages.media import VideoSource

_BOX_HEAD = 8
_LARGE_BOX, _BOX_TO_THE_END = 1, 0
_EBML, _SEGMENT = b"\x1aE\xdf\xa3", b"\x18\x53\x80\x67"


def require_whole(source: VideoSource) -> None:
    """Refuse a file that is shorter than it says itself.

    MP4 and its kin (ISO 14496-12, section 4.2) and Matroska with WebM (RFC 8794) say
    it; a stream whose length was not known when it was written, and other kinds of
    files, do not.

    Raises:
        DatasetError: It is, or cannot be read.
    """
    with _opened(source) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(_BOX_HEAD)
        file.seek(0)
        promised = 0
        if head[4:8] == b"ftyp":
            promised = _boxes_end(file, size)
        elif head.startswith(_EBML):
            promised = _segment_end(file)
    if promised > size:
        raise DatasetError(
            f"{source.path or 'the video'} is truncated: it has {size} bytes of "
            f"{promised}"
        )


@contextmanager
def _opened(source: VideoSource) -> Iterator[BinaryIO]:
    if source.path is None:
        yield BytesIO(source.content)
        return
    try:
        with source.path.open("rb") as file:
            yield file
    except OSError as error:
        raise DatasetError(
            f"cannot read video {source.path}: {error.strerror}"
        ) from error


def _boxes_end(file: BinaryIO, size: int) -> int:
    """Tell where the last box of a file ends that has this many bytes."""
    end = 0
    while end + _BOX_HEAD <= size:
        file.seek(end)
        length = int.from_bytes(file.read(4))
        file.read(4)
        if length == _BOX_TO_THE_END:
            return size
        if length == _LARGE_BOX:
            length = int.from_bytes(file.read(8))
        if length < _BOX_HEAD:
            # No box at all: what follows the last one is not ours to judge.
            return end
        end += length
    return end


def _segment_end(file: BinaryIO) -> int:
    """Tell where the segment after the header ends; zero where that is not known."""
    file.seek(len(_EBML))
    header = _length(file) or 0
    file.seek(header, os.SEEK_CUR)
    if file.read(len(_SEGMENT)) != _SEGMENT:
        return 0
    length = _length(file)
    return 0 if length is None else file.tell() + length


def _length(file: BinaryIO) -> int | None:
    """Read a number of as many bytes as its first one says; all ones: not known."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    width = 9 - first[0].bit_length()
    ones = (1 << 7 * width) - 1
    number = int.from_bytes(first + file.read(width - 1)) & ones
    return None if number == ones else number
