"""Sounds of any kind that PyAV reads, as WAV."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages.media import AudioSource
from pytest_evalkit.messages.pcm import wav_of
from pytest_evalkit.messages.video import pyav


def wav_from(source: AudioSource) -> bytes:
    """Decode a sound to WAV of 16 bits, at its own rate and with its own channels.

    Raises:
        DatasetError: It cannot be read or decoded, has no samples, or the package
            ``av`` is not installed.
    """
    av = pyav(f"a sound that is {source.mime} is made WAV")
    try:
        with av.open(BytesIO(source.content)) as container:
            return _wav(av, container)
    except av.error.FFmpegError as error:
        name = source.path or "the sound"
        raise DatasetError(f"cannot decode {name}: {error.strerror}") from error


def _wav(av: Any, container: Any) -> bytes:
    import numpy as np

    if not container.streams.audio:
        raise DatasetError("the sound file has no sound in it")
    stream = container.streams.audio[0]
    resampler = av.AudioResampler(format="s16p")
    pieces = [
        piece.to_ndarray()
        for frame in (*container.decode(stream), None)
        for piece in resampler.resample(frame)
    ]
    if not pieces:
        raise DatasetError("the sound has no samples")
    return wav_of(np.concatenate(pieces, axis=1), stream.rate)
