"""What environment variables say of videos, as lmms-eval and Qwen's tools read them."""

from __future__ import annotations

import os

from pytest_evalkit.errors import OptionError
from pytest_evalkit.messages.video import DECODERS
from pytest_evalkit.naming import suggestion

_TOTAL = "VIDEO_MAX_PIXELS"
# The tools that read the variable count two frames as one, as their models see them.
_FRAMES_AT_ONCE = 2
# Each reader that a variable may name, and what reads videos in its place here: that
# of torchvision is PyAV.
_READERS = {name: name for name in DECODERS}
_VARIABLES = {
    "LMMS_VIDEO_DECODE_BACKEND": _READERS,
    "FORCE_QWENVL_VIDEO_READER": {**_READERS, "torchvision": "pyav"},
}


def decoder_of_environment() -> str:
    """Tell what decodes videos where nothing else says so.

    LMMS_VIDEO_DECODE_BACKEND says it, or else FORCE_QWENVL_VIDEO_READER; without either
    it is ``pyav``.

    Raises:
        OptionError: A variable names another decoder.
    """
    for variable, readers in _VARIABLES.items():
        said = os.getenv(variable, "").strip().lower()
        if said and said not in readers:
            raise OptionError(f"{variable} is {said!r}; {suggestion(said, readers)}")
        if said:
            return readers[said]
    return "pyav"


def total_pixels_of_environment() -> int | None:
    """Tell the most pixels of all frames of a video together.

    VIDEO_MAX_PIXELS says half of that: it counts two frames as one.

    Returns:
        The number, or None where the variable is not set.

    Raises:
        OptionError: It is no number above zero.
    """
    said = os.getenv(_TOTAL, "").strip()
    if not said:
        return None
    try:
        # Written with a point or an exponent too, as the tools that read it allow.
        pixels = int(float(said))
    except (ValueError, OverflowError):
        pixels = 0
    if pixels <= 0:
        raise OptionError(f"{_TOTAL} must be a number above 0, got {said!r}")
    return _FRAMES_AT_ONCE * pixels
