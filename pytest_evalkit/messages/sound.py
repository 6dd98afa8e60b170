"""Sounds of any kind that PyAV or soundfile reads: as samples, and as WAV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NamedTuple

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages.media import AudioSource, told_of
from pytest_evalkit.messages.pcm import wav_of
from pytest_evalkit.messages.pyav_video import pyav


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedAudio:
    """A sound as a model takes it.

    Attributes:
        samples: One channel, the mean of all: an array of numbers of 32 bits, mostly
            from -1 to 1, at least one.
        rate: Samples a second.
    """

    samples: Any
    rate: int

    @property
    def duration_s(self) -> float:
        """How many seconds it lasts."""
        return len(self.samples) / self.rate


class _Channels(NamedTuple):
    """A sound at its own rate: channels by samples."""

    samples: Any
    rate: int


def samples(source: AudioSource, rate: int | None = None) -> DecodedAudio:
    """Decode a sound to one channel.

    PyAV decodes it; soundfile does where PyAV is not installed.

    Args:
        source: The sound.
        rate: How many samples a second, above zero; None for those that it has.

    Raises:
        DatasetError: It cannot be read or decoded, has no samples, or the package that
            this takes is not installed.
    """
    import numpy as np

    with told_of(source):
        channels = _decoded(source)
    mono = channels.samples.mean(axis=0, dtype=np.float32)
    if rate is None or rate == channels.rate:
        return DecodedAudio(samples=mono, rate=channels.rate)
    return DecodedAudio(samples=_resampled(mono, channels.rate, rate), rate=rate)


def require_samples(source: AudioSource) -> None:
    """Refuse a sound that is empty or broken at its beginning; nothing is decoded.

    Where PyAV is not installed, nothing is looked for.

    Raises:
        DatasetError: It is, or it cannot be read.
    """
    try:
        import av
    except ImportError:
        return
    with _opened(av, source) as container:
        if not any(packet.size for packet in container.demux(container.streams.audio)):
            raise _without_samples(source)


def wav_from(source: AudioSource) -> bytes:
    """Decode a sound to WAV of 16 bits, at its own rate and with its own channels.

    Raises:
        DatasetError: It cannot be read or decoded, has no samples, or PyAV is not
            installed.
    """
    av = pyav(f"a sound that is {source.mime} is made WAV")
    channels = _by_pyav(av, source, "s16p")
    return wav_of(channels.samples, channels.rate)


def _decoded(source: AudioSource) -> _Channels:
    try:
        import av
    except ImportError:
        return _by_soundfile(source)
    return _by_pyav(av, source, "fltp")


def _by_soundfile(source: AudioSource) -> _Channels:
    try:
        import soundfile
    except ImportError as error:
        raise DatasetError(
            "a sound is decoded by the package av or soundfile, and neither is "
            "installed: pip install 'pytest-evalkit[video]'"
        ) from error
    try:
        found, rate = soundfile.read(
            BytesIO(source.content), dtype="float32", always_2d=True
        )
    except soundfile.LibsndfileError as error:
        raise _undecodable(source, error.error_string) from error
    if not len(found):
        raise _without_samples(source)
    return _Channels(found.T, rate)


def _by_pyav(av: Any, source: AudioSource, form: str) -> _Channels:
    import numpy as np

    with _opened(av, source) as container:
        stream = container.streams.audio[0]
        pieces = _pieces(av.AudioResampler(format=form), container.decode(stream))
        rate = stream.rate
    if not pieces:
        raise _without_samples(source)
    return _Channels(np.concatenate(pieces, axis=1), rate)


@contextmanager
def _opened(av: Any, source: AudioSource) -> Iterator[Any]:
    """Open a sound; whatever PyAV finds wrong with it is told as ours."""
    try:
        with av.open(BytesIO(source.content)) as container:
            if not container.streams.audio:
                raise DatasetError(f"{_name(source)} has no sound in it")
            yield container
    except av.error.FFmpegError as error:
        raise _undecodable(source, error.strerror) from error


def _resampled(mono: Any, rate: int, wanted: int) -> Any:
    import numpy as np

    av = pyav(f"a sound of {rate} Hz is brought to {wanted} Hz")
    frame = av.AudioFrame.from_ndarray(mono[None, :], format="fltp", layout="mono")
    frame.sample_rate = rate
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=wanted)
    return np.concatenate(_pieces(resampler, [frame]), axis=1)[0]


def _pieces(resampler: Any, frames: Any) -> list[Any]:
    """Convert frames, and let out what the converter still holds at the end."""
    return [
        piece.to_ndarray()
        for frame in (*frames, None)
        for piece in resampler.resample(frame)
    ]


def _name(source: AudioSource) -> str:
    return str(source.path or "the sound")


def _undecodable(source: AudioSource, reason: str) -> DatasetError:
    return DatasetError(f"cannot decode {_name(source)}: {reason}")


def _without_samples(source: AudioSource) -> DatasetError:
    return DatasetError(f"{_name(source)} has no samples")
