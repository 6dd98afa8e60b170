"""Frames of a video, each with the time at which it is shown."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pytest_evalkit.messages.media import ImageSource


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Attributes:
        image: What it shows.
        time_s: Seconds from the beginning of the video.
    """

    image: ImageSource
    time_s: float


@dataclass(frozen=True, slots=True)
class VideoFrames:
    """Frames in the order in which they are shown.

    Attributes:
        frames: At least one.
    """

    frames: tuple[Frame, ...]

    @property
    def is_identified(self) -> bool:
        """Whether ``sha256`` is known already, but for adding up."""
        return all(frame.image.is_identified for frame in self.frames)

    @property
    def sha256(self) -> str:
        """What identifies the frames and their times, in hexadecimal.

        Raises:
            DatasetError: A frame cannot be read.
        """
        digest = hashlib.sha256()
        for frame in self.frames:
            digest.update(f"{frame.image.sha256} {frame.time_s!r}\n".encode())
        return digest.hexdigest()
