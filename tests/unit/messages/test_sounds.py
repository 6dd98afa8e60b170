from __future__ import annotations

import sys
import wave
from pathlib import Path

import pytest

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages import AudioSource, samples
from pytest_evalkit.messages.sound import wav_from

av = pytest.importorskip("av")
np = pytest.importorskip("numpy")


def sound(path: Path, samples: int) -> Path:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("flac", rate=8000, layout="stereo")
        if samples:
            ramp = np.arange(samples, dtype=np.int16)
            frame = av.AudioFrame.from_ndarray(
                np.stack([ramp, -ramp], axis=1).reshape(1, -1), "s16", "stereo"
            )
            frame.sample_rate = 8000
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def test_a_sound_of_another_kind_becomes_wav_sample_by_sample(tmp_path: Path) -> None:
    source = AudioSource.of(sound(tmp_path / "a.flac", 1000))

    content = wav_from(source)

    found = np.frombuffer(content[44:], "<i2").reshape(-1, 2)
    assert found[:, 0].tolist() == list(range(1000))
    assert found[:, 1].tolist() == [-number for number in range(1000)]


def test_channels_are_mixed_to_their_mean(tmp_path: Path) -> None:
    left, right = np.linspace(-0.5, 0.5, 100), np.full(100, 0.25)
    source = AudioSource.of({"array": np.stack([left, right]), "sampling_rate": 8000})

    found = samples(source)

    assert (found.rate, found.samples.dtype) == (8000, np.float32)
    # Sixteen bits are steps of 1 / 32768, and full scale is one of them less.
    assert found.samples == pytest.approx((left + right) / 2, abs=2 / 32768)
    assert found.duration_s == 100 / 8000


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
def test_a_tone_is_the_same_tone_at_another_rate(rate: int) -> None:
    def tone(rate: int) -> object:
        return 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)

    source = AudioSource.of({"array": tone(22_050), "sampling_rate": 22_050})

    found = samples(source, rate)

    assert (found.rate, len(found.samples)) == (rate, rate)
    # At its ends the tone begins and stops, and is no tone there.
    assert found.samples[200:-200] == pytest.approx(tone(rate)[200:-200], abs=1e-3)  # type: ignore[index]  # an array


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.m4a", "a.mp3"])
def test_sounds_of_every_kind_are_decoded(tmp_path: Path, name: str) -> None:
    codec = {".flac": "flac", ".ogg": "libopus", ".m4a": "aac", ".mp3": "libmp3lame"}
    form = "s16" if name == "a.flac" else "fltp"
    if codec[Path(name).suffix] not in av.codecs_available:
        pytest.skip(f"this build of PyAV writes no {name}")
    with av.open(str(tmp_path / name), "w") as file:
        stream = file.add_stream(codec[Path(name).suffix], rate=48_000, layout="mono")
        tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
        data = tone.astype(np.float32)[None]
        if form == "s16":
            data = (data * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(data, form, "mono")
        frame.sample_rate = 48_000
        fitted = av.AudioResampler(stream.format, "mono", 48_000, stream.frame_size)
        for piece in (*fitted.resample(frame), *fitted.resample(None)):
            file.mux(stream.encode(piece))
        file.mux(stream.encode())

    found = samples(AudioSource.of(tmp_path / name), 16_000)

    # Kinds that lose something add a little silence at their ends.
    assert len(found.samples) == pytest.approx(16_000, abs=1600)
    loudness = float(np.sqrt(np.mean(found.samples[2000:14_000] ** 2)))
    assert loudness == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_without_pyav_soundfile_decodes_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("soundfile", reason="soundfile is not installed")
    source = AudioSource.of(sound(tmp_path / "a.flac", 1000))
    expected = samples(source)

    monkeypatch.setitem(sys.modules, "av", None)

    assert samples(source).samples == pytest.approx(expected.samples, abs=1e-7)
    with pytest.raises(DatasetError, match=r"8000 Hz is brought to 16000 Hz .*\[video"):
        samples(source, 16_000)


def test_without_any_package_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("av", "soundfile"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(DatasetError, match=r"pip install 'pytest-evalkit\[video\]'"):
        samples(AudioSource.of(b"fLaC and the rest"))


def test_a_sound_file_without_samples_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
    source = AudioSource.of(path).labelled("column 'said'")

    with pytest.raises(DatasetError, match=r"^column 'said': .*a\.wav has no samples"):
        samples(source)
    with pytest.raises(DatasetError, match=r"a\.wav has no samples"):
        wav_from(source)


def test_what_is_no_sound_is_told() -> None:
    with pytest.raises(DatasetError, match="cannot decode the sound: Invalid data"):
        samples(AudioSource.of(b"fLaC and the rest"))
