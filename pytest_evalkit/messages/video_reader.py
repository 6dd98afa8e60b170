"""What every decoder of video files can do, and how their trouble is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_evalkit.errors import DatasetError, OptionError
from pytest_evalkit.messages.media import VideoSource

FrameSize = Callable[[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """A decoded frame.

    Attributes:
        image: A PIL image in RGB, turned as its camera was held.
        index: Its position among all frames of the video, from zero.
    """

    image: Any
    index: int


class VideoReader(Protocol):
    """An open video file."""

    @property
    def times_s(self) -> Sequence[float]:
        """When each frame is shown, in seconds from the first, which is at zero."""

    def frames(self, indices: Sequence[int], size: FrameSize) -> Iterator[ShownFrame]:
        """Decode some frames.

        Args:
            indices: Which ones, rising, from zero.
            size: How large a frame of a width and a height is to be.

        Raises:
            DatasetError: A frame cannot be decoded.
        """


def undecodable(source: VideoSource, reason: object) -> DatasetError:
    """Tell by name that a video cannot be decoded."""
    said = str(reason).strip() or type(reason).__name__
    line = said.splitlines()[0]
    return DatasetError(f"cannot decode {source.path or 'the video'}: {line}")


def image_of(pixels: Any, size: FrameSize) -> Any:
    """Make a PIL image of what another library decoded.

    Args:
        pixels: Bytes: rows by columns by the three colours.
        size: How large a frame of a width and a height is to be.
    """
    from PIL import Image

    image = Image.fromarray(pixels)
    wanted = size(image.width, image.height)
    return image if image.size == wanted else image.resize(wanted)


def require_moment(
    source: VideoSource,
    decoder: str,
    times_s: Sequence[float],
    index: int,
    found_s: float,
) -> None:
    """Refuse a frame that another library counts otherwise than PyAV does.

    Args:
        source: The file.
        decoder: What decodes it.
        times_s: When each frame is shown, in seconds from the first.
        index: The frame.
        found_s: When the other library says that it is shown, in the same seconds.

    Raises:
        DatasetError: It is nearer to another frame.
    """
    off_s = abs(times_s[index] - found_s)
    around = (*times_s[max(0, index - 1) : index], *times_s[index + 1 : index + 2])
    if any(abs(time_s - found_s) < off_s for time_s in around):
        raise undecodable(
            source,
            f"for {decoder}, frame {index} is at {found_s:.3f} s and not at "
            f"{times_s[index]:.3f} s",
        )


def threads_of_environment(variable: str, default: int) -> int:
    """Read a number of threads; zero, and a variable that is not set, mean the default.

    Raises:
        OptionError: It is no number.
    """
    said = os.getenv(variable, "0")
    if not said.isdecimal():
        raise OptionError(f"{variable} must be a number, got {said!r}")
    return int(said) or default
