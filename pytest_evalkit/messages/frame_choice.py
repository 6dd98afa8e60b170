"""Which frames of a video are shown, and how large."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameChoice:
    """Which frames of a video are shown, and how large.

    Attributes:
        nframes: How many, spread evenly; a shorter video has all of its frames shown.
        fps: How many a second instead, or None for ``nframes``.
        max_frames: The most of them in either case, at least one.
        min_pixels: A frame with fewer is made larger; its proportions stay.
        max_pixels: A frame with more is made smaller; its proportions stay.
        min_frames: The fewest of them where ``fps`` counts; a shorter video still has
            no more than its frames.
        total_pixels: The most pixels of all frames together, or None for any number;
            it makes no frame smaller than ``min_pixels``.
        frame_multiple: Their number is a multiple of this, as models want that look at
            several frames at once; a video with fewer frames still shows one.
        side_multiple: Width and height are multiples of this, at the cost of exact
            proportions.
    """

    nframes: int
    fps: float | None
    max_frames: int
    min_pixels: int
    max_pixels: int
    min_frames: int = 1
    total_pixels: int | None = None
    frame_multiple: int = 1
    side_multiple: int = 1

    def size(self, width: int, height: int, count: int) -> tuple[int, int]:
        """Scale a frame.

        Args:
            width: What it has, in pixels.
            height: The same.
            count: How many frames are shown.
        """
        most = self.max_pixels
        if self.total_pixels is not None:
            most = max(self.min_pixels, min(most, self.total_pixels // count))
        return fitted_size(
            width, height, self.min_pixels, most, multiple=self.side_multiple
        )


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
        wanted = max(choice.min_frames, math.floor(shown_s(times_s) * choice.fps))
    count = min(wanted, choice.max_frames, total)
    count = max(1, count - count % choice.frame_multiple)
    if count == 1:
        return [0]
    return [round(step * (total - 1) / (count - 1)) for step in range(count)]


def shown_s(times_s: Sequence[float]) -> float:
    """Estimate how many seconds frames are shown: the last as long as the others."""
    shown = times_s[-1] - times_s[0]
    return shown + shown / max(1, len(times_s) - 1)


def fitted_size(
    width: int, height: int, min_pixels: int, max_pixels: int, *, multiple: int = 1
) -> tuple[int, int]:
    """Scale a size so that its area lies between two bounds.

    Args:
        width: In pixels.
        height: The same.
        min_pixels: The least area.
        max_pixels: The most.
        multiple: Of what both sides are multiples; bounds that no such size keeps are
            missed by as little as that takes.

    >>> fitted_size(400, 100, 1, 10_000)
    (200, 50)
    >>> fitted_size(100, 60, 1, 10_000, multiple=28)
    (112, 56)
    """
    area = width * height
    wide, high = (
        max(multiple, round(side / multiple) * multiple) for side in (width, height)
    )
    if wide * high > max_pixels:
        scale = math.sqrt(max_pixels / area)
        return (
            max(multiple, math.floor(width * scale / multiple) * multiple),
            max(multiple, math.floor(height * scale / multiple) * multiple),
        )
    if wide * high < min_pixels:
        scale = math.sqrt(min_pixels / area)
        return (
            math.ceil(width * scale / multiple) * multiple,
            math.ceil(height * scale / multiple) * multiple,
        )
    return wide, high
