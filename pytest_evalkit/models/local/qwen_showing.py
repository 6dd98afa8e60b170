"""How the Qwen family is shown images and videos, and how it answers by default.

A side of an image or a frame is a multiple of the patches that are read as one token,
and its area lies between two bounds. Frames are read in pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pytest_evalkit.errors import OptionError
from pytest_evalkit.messages import FrameChoice
from pytest_evalkit.messages.video_environment import total_pixels_of_environment
from pytest_evalkit.models.local.drawing import WriteRule
from pytest_evalkit.models.local.showing import ShowRule

_MIN_PIXELS = 256 * 28 * 28
_MAX_PIXELS = 2048 * 28 * 28
# Fewer frames than these say little of what happens, however short the video is.
_LEAST_FRAMES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class QwenWriteRule(WriteRule):
    """How texts are written where the request does not say."""

    max_new_tokens: int = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class QwenShowRule(ShowRule):
    """How images and videos are shown.

    Attributes:
        min_pixels: An image or a frame with fewer is made larger; None for 200704, or
            what is nearest to it within the checkpoint's own bounds.
        max_pixels: An image or a frame with more is made smaller; None for 1605632, or
            what is nearest to it within the checkpoint's own bounds.
    """

    min_pixels: int | None = None
    max_pixels: int | None = None

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: A value is not above zero, or the bounds are the wrong way
                round.
        """
        ShowRule.__post_init__(self)
        least, most = self.min_pixels, self.max_pixels
        if least is not None and most is not None and least > most:
            raise OptionError(
                f"min_pixels must not be above max_pixels, got {least} and {most}"
            )

    def choice(self, processor: Any) -> FrameChoice:
        """Tell which frames are shown, and how large."""
        images = processor.image_processor
        least, most = self._bounds(images)
        return FrameChoice(
            nframes=self.max_num_frames,
            fps=self.fps,
            max_frames=self.max_num_frames,
            min_frames=_LEAST_FRAMES,
            min_pixels=least,
            max_pixels=most,
            total_pixels=total_pixels_of_environment(),
            frame_multiple=images.temporal_patch_size,
            side_multiple=images.patch_size * images.merge_size,
        )

    def images_kwargs(self, processor: Any) -> dict[str, Any]:
        """Say between which areas an image lies."""
        least, most = self._bounds(processor.image_processor)
        return {"size": {"shortest_edge": least, "longest_edge": most}}

    def _bounds(self, images: Any) -> tuple[int, int]:
        """Give the least and the most pixels; one that is told moves the other."""
        # A checkpoint that was made for small pictures sees nothing in large ones.
        low, high = images.size["shortest_edge"], images.size["longest_edge"]
        least = self.min_pixels or min(max(_MIN_PIXELS, low), high)
        most = self.max_pixels or max(min(max(_MAX_PIXELS, low), high), least)
        return (least if self.min_pixels else min(least, most)), most

    def videos_kwargs(self) -> dict[str, Any]:
        """Say that frames have their size already."""
        return {"do_resize": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Qwen3ShowRule(QwenShowRule):
    """How images and videos are shown.

    Attributes:
        total_pixels: The most pixels of a video, where two frames count as one: with
            many frames, each is made smaller, though not below ``min_pixels``; None
            for what the variable VIDEO_MAX_PIXELS says, or any number.
    """

    total_pixels: int | None = None

    def choice(self, processor: Any) -> FrameChoice:
        """Tell which frames are shown, and how large."""
        usual = QwenShowRule.choice(self, processor)
        if self.total_pixels is None:
            return usual
        total = self.total_pixels * usual.frame_multiple
        return replace(usual, total_pixels=total)
