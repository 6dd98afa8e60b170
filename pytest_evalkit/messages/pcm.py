"""Sound as samples: written as a WAV file of 16 bits."""

from __future__ import annotations

import io
import wave
from typing import Any

from pytest_evalkit.errors import DatasetError

_FULL_SCALE = 32767


def wav_of(samples: Any, rate_hz: int) -> bytes:
    """Write samples as WAV.

    Args:
        samples: Numbers from -1 to 1, or integers of 16 bits; one dimension, or two:
            channels by samples. Louder ones are clipped.
        rate_hz: Samples a second.

    Raises:
        DatasetError: There are no samples, or they have more than two dimensions.
    """
    import numpy as np

    array = np.asarray(samples)
    if array.size == 0 or array.ndim > len(("channels", "samples")):
        raise DatasetError(
            f"a sound needs samples in one or two dimensions, got shape {array.shape}"
        )
    if array.dtype != np.int16:
        array = (np.clip(array, -1.0, 1.0) * _FULL_SCALE).round().astype("<i2")
    channels = 1 if array.ndim == 1 else array.shape[0]
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(int(rate_hz))
        file.writeframes(np.ascontiguousarray(array.T).tobytes())
    return buffer.getvalue()
