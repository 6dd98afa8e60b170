from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import Self

import pytest

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages import AudioSource, VideoPart, VideoSource
from pytest_evalkit.messages.frame_choice import (
    FrameChoice,
    chosen_positions,
    fitted_size,
)
from pytest_evalkit.messages.sound import wav_from
from pytest_evalkit.messages.video import DecodedFrame, decoded_frames

av = pytest.importorskip("av")
np = pytest.importorskip("numpy")

FRAMES = 100
WIDTH, HEIGHT = 64, 48
BITS = 7


def choice(
    nframes: int = 8,
    fps: float | None = None,
    max_frames: int = 768,
    pixels: tuple[int, int] = (1, 10**9),
) -> FrameChoice:
    return FrameChoice(
        nframes=nframes,
        fps=fps,
        max_frames=max_frames,
        min_pixels=pixels[0],
        max_pixels=pixels[1],
    )


def picture(number: int) -> object:
    """Write a number in bars, black for zeros and white for ones."""
    bits = [255 * (number >> bit & 1) for bit in range(BITS)]
    row = np.repeat(np.array([*bits, 0], np.uint8), WIDTH // (BITS + 1))
    return np.broadcast_to(row[None, :, None], (HEIGHT, WIDTH, 3)).copy()


def number_of(frame: DecodedFrame) -> int:
    """Read the bars in the middle of each."""
    pixels = np.asarray(frame.image.convert("L").resize((WIDTH, HEIGHT)))
    bar = WIDTH // (BITS + 1)
    bits = [int(pixels[HEIGHT // 2, bar * bit + bar // 2] > 127) for bit in range(BITS)]
    return sum(one << bit for bit, one in enumerate(bits))


def write(
    path: Path, codec: str, times_ms: list[int], container: str | None = None
) -> Path:
    """Write a frame for each time, with few key frames among them."""
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        # No change of scene makes a key frame of its own.
        stream.options = {"sc_threshold": "1000000000"}
        stream.codec_context.gop_size = 30
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.bit_rate = 4_000_000
        for number, time_ms in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(picture(number), "rgb24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def steady(count: int = FRAMES) -> list[int]:
    return [100 * number for number in range(count)]


def frames_of(
    path: Path,
    how: FrameChoice,
    start_s: float | None = None,
    end_s: float | None = None,
) -> list[DecodedFrame]:
    source = VideoSource.of(path)
    part = VideoPart(source, start_s, end_s)
    return list(decoded_frames(source, part, how))


@pytest.mark.parametrize(
    ("count", "how", "expected"),
    [
        (7, choice(4), [0, 2, 4, 6]),
        (100, choice(2), [0, 99]),
        (100, choice(1), [0]),
        (3, choice(8), [0, 1, 2]),
        (1, choice(8), [0]),
        # 10 s at 10 frames a second; half a frame a second is 5 frames.
        (100, choice(fps=0.5), [0, 25, 50, 74, 99]),
        (100, choice(fps=0.01), [0]),
        (100, choice(64, max_frames=2), [0, 99]),
        (100, choice(fps=10, max_frames=3), [0, 50, 99]),
    ],
)
def test_frames_are_spread_evenly(
    count: int, how: FrameChoice, expected: list[int]
) -> None:
    # 49.5 rounds to the even 50, and 74.25 down.
    times_s = [number / 10 for number in range(count)]

    assert chosen_positions(times_s, how) == expected


@pytest.mark.parametrize(
    ("size", "bounds", "expected"),
    [
        ((400, 100), (1, 40_000), (400, 100)),
        ((400, 100), (1, 10_000), (200, 50)),
        ((40, 10), (1_600, 2_000), (80, 20)),
        ((10_000, 1), (1, 100), (1_000, 1)),
    ],
)
def test_sizes_keep_their_proportions(
    size: tuple[int, int], bounds: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert fitted_size(*size, *bounds) == expected


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mp4", "mpeg4"),
        ("a.webm", "libvpx"),
        ("a.mkv", "libx264"),
    ],
)
def test_the_same_frames_come_out_of_every_container(
    tmp_path: Path, name: str, codec: str
) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"this build of PyAV has no {codec}")
    path = write(tmp_path / name, codec, steady())

    frames = frames_of(path, choice(12))

    expected = [0, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90, 99]
    assert [number_of(frame) for frame in frames] == expected
    assert [frame.time_s for frame in frames] == [number / 10 for number in expected]


def test_times_are_those_of_the_frames_where_the_rate_changes(tmp_path: Path) -> None:
    times_ms = [number * number for number in range(FRAMES)]
    path = write(tmp_path / "a.mkv", "mpeg4", times_ms)

    frames = frames_of(path, choice(4))

    assert [number_of(frame) for frame in frames] == [0, 33, 66, 99]
    assert [frame.time_s for frame in frames] == [0.0, 1.089, 4.356, 9.801]


def test_a_stream_without_an_index_decodes_right(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ts", "mpeg4", steady(), "mpegts")

    frames = frames_of(path, choice(4))

    assert [number_of(frame) for frame in frames] == [0, 33, 66, 99]
    assert [frame.time_s for frame in frames] == pytest.approx([0.0, 3.3, 6.6, 9.9])


def test_only_what_leads_to_the_wanted_frames_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.mp4", "mpeg4", steady())
    decoded = 0
    decode = av.container.InputContainer.decode

    class Counting:
        def __init__(self, container: object) -> None:
            self.container = container

        def __getattr__(self, name: str) -> object:
            return getattr(self.container, name)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.container.close()  # type: ignore[attr-defined]  # it is a container

        def decode(self, stream: object) -> object:
            nonlocal decoded
            for frame in decode(self.container, stream):
                decoded += 1
                yield frame

    opened = av.open
    monkeypatch.setattr(av, "open", lambda place: Counting(opened(place)))

    frames = frames_of(path, choice(2))

    # Key frames are 30 apart: the first frame, and 90 to 99.
    assert [number_of(frame) for frame in frames] == [0, 99]
    assert decoded == 11


def test_a_part_of_a_video_has_its_frames_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", "mpeg4", steady())

    frames = frames_of(path, choice(3), start_s=2.0, end_s=4.0)

    assert [number_of(frame) for frame in frames] == [20, 30, 40]
    assert [frame.time_s for frame in frames] == [2.0, 3.0, 4.0]


def test_a_part_beyond_the_end_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", "mpeg4", steady(10))

    with pytest.raises(DatasetError, match=r"between 5.0 and None s.*last is at 0.9 s"):
        frames_of(path, choice(3), start_s=5.0)


def test_frames_are_made_smaller_and_larger(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", "mpeg4", steady(2))

    (small, _) = frames_of(path, choice(pixels=(1, WIDTH * HEIGHT // 4)))
    (large, _) = frames_of(path, choice(pixels=(WIDTH * HEIGHT * 4, 10**9)))

    assert small.image.size == (WIDTH // 2, HEIGHT // 2)
    assert large.image.size == (WIDTH * 2, HEIGHT * 2)


def test_bytes_decode_as_the_file_does(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", "mpeg4", steady(5))
    source = VideoSource.of(path.read_bytes())

    frames = list(decoded_frames(source, VideoPart(source), choice(2)))

    assert [number_of(frame) for frame in frames] == [0, 4]


def test_what_is_no_video_is_told_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"no video at all")

    with pytest.raises(DatasetError, match=r"cannot decode .*a\.mp4: Invalid data"):
        frames_of(path, choice())


def test_a_truncated_video_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", "mpeg4", steady())
    path.write_bytes(path.read_bytes()[:2000])

    with pytest.raises(DatasetError, match=r"a\.mp4"):
        frames_of(path, choice())


def test_without_the_package_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"no video at all")
    monkeypatch.setitem(sys.modules, "av", None)

    with pytest.raises(DatasetError, match=r"pip install 'pytest-evalkit\[video\]'"):
        frames_of(path, choice())


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


def test_a_sound_file_without_samples_is_told(tmp_path: Path) -> None:
    source = AudioSource.of(sound(tmp_path / "a.flac", 0))

    with pytest.raises(DatasetError, match=r"no samples|cannot decode"):
        wav_from(source)
