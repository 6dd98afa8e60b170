from __future__ import annotations

import importlib
import struct
import sys
from fractions import Fraction
from pathlib import Path
from typing import Self

import pytest

from pytest_evalkit.errors import DatasetError, OptionError
from pytest_evalkit.messages import (
    Frame,
    ImageSource,
    VideoFrames,
    VideoPart,
    VideoSource,
    decode_video,
)
from pytest_evalkit.messages.frame_choice import FrameChoice
from pytest_evalkit.messages.video import DecodedFrame, decoded_frames

av = pytest.importorskip("av")
np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")

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
    path: Path,
    codec: str,
    times_ms: list[int],
    container: str | None = None,
    *,
    faststart: bool = False,
) -> Path:
    """Write a frame for each time, with few key frames among them."""
    how = {"movflags": "faststart"} if faststart and path.suffix == ".mp4" else {}
    with av.open(str(path), "w", format=container, container_options=how) as file:
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
    decoder: str = "pyav",
) -> list[DecodedFrame]:
    source = VideoSource.of(path)
    part = VideoPart(source, start_s, end_s)
    return list(decoded_frames(source, part, how, decoder))


@pytest.fixture(params=["pyav", "torchcodec", "decord"])
def decoder(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    try:
        importlib.import_module({"pyav": "av"}.get(name, name))
    except (ImportError, OSError, RuntimeError) as error:
        pytest.skip(f"{name} cannot be imported: {type(error).__name__}")
    return name


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mp4", "mpeg4"),
        ("a.webm", "libvpx"),
        ("a.webm", "libvpx-vp9"),
        ("a.mkv", "libx264"),
    ],
)
@pytest.mark.parametrize("is_steady", [True, False])
def test_the_same_frames_come_out_of_every_container_by_every_decoder(
    tmp_path: Path, name: str, codec: str, is_steady: bool, decoder: str
) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"this build of PyAV has no {codec}")
    times_ms = [number * (100 if is_steady else number) for number in range(FRAMES)]
    path = write(tmp_path / name, codec, times_ms)

    frames = frames_of(path, choice(12), decoder=decoder)

    expected = [0, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90, 99]
    assert [number_of(frame) for frame in frames] == expected
    assert [frame.index for frame in frames] == expected
    times_s = [times_ms[number] / 1000 for number in expected]
    assert [frame.time_s for frame in frames] == pytest.approx(times_s)


def test_a_decoded_video_tells_rate_and_duration(tmp_path: Path, decoder: str) -> None:
    path = write(tmp_path / "a.mp4", "mpeg4", steady())
    source = VideoSource.of(path.read_bytes())
    part = VideoPart(source, 2.0, 4.0)

    video = decode_video(source, part, choice(fps=1.5), decoder)

    # 2.0 to 4.0 s are 21 frames, shown for 2.1 s; at 1.5 a second 3 of them.
    assert video.indices == [20, 30, 40]
    assert video.times_s == [2.0, 3.0, 4.0]
    assert (video.fps, video.duration_s) == (10.0, 10.0)
    assert {frame.mode for frame in video.frames} == {"RGB"}


def test_an_unknown_decoder_is_told(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="'torchcodex'; did you mean 'torchcodec'"):
        frames_of(tmp_path / "a.mp4", choice(), decoder="torchcodex")


def test_frames_of_a_data_set_are_chosen_as_those_of_a_file_are() -> None:
    frames = [
        Frame(ImageSource.of(Image.fromarray(picture(number))), number / 2)
        for number in range(10)
    ]
    source = VideoFrames(tuple(frames))

    video = decode_video(source, VideoPart(source, 1.0, 3.0), choice(3))

    assert video.indices == [2, 4, 6]
    assert video.times_s == [1.0, 2.0, 3.0]
    assert (video.fps, video.duration_s) == (None, None)
    shown = [DecodedFrame(image, 0.0, 0) for image in video.frames]
    assert [number_of(frame) for frame in shown] == [2, 4, 6]


def test_a_video_is_turned_as_its_camera_was_held(tmp_path: Path, decoder: str) -> None:
    path = write(tmp_path / "a.mp4", "mpeg4", steady(2))
    content = bytearray(path.read_bytes())
    # A quarter to the right, in the matrix of the track header (ISO 14496-12, 8.3.2).
    matrix = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    place = content.index(b"tkhd") + 44
    content[place : place + len(matrix)] = matrix
    path.write_bytes(content)

    (_, second) = frames_of(path, choice(), decoder=decoder)

    image = second.image.convert("L")
    assert image.size == (HEIGHT, WIDTH)
    # The one in bars is white on the left, and black on the right.
    assert image.getpixel((HEIGHT // 2, 3)) > 200
    assert image.getpixel((HEIGHT // 2, WIDTH - 4)) < 50


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


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
@pytest.mark.parametrize("is_file", [True, False])
def test_a_truncated_video_is_told(tmp_path: Path, name: str, is_file: bool) -> None:
    codec = "libvpx" if name == "a.webm" else "mpeg4"
    # The index first, as videos of the web have it: all that is left decodes.
    content = write(tmp_path / name, codec, steady(), faststart=True).read_bytes()
    (tmp_path / name).write_bytes(content[:-100])
    value = tmp_path / name if is_file else content[:-100]
    source = VideoSource.of(value).labelled("column 'clip'")

    with pytest.raises(
        DatasetError, match=r"^column 'clip': .*truncated: it has"
    ) as it:
        list(decoded_frames(source, VideoPart(source), choice()))

    assert f"of {len(content)}" in it.value.message
    assert (name in it.value.message) == is_file


def test_a_video_with_a_hole_in_it_is_told(tmp_path: Path, decoder: str) -> None:
    if "libx264" not in av.codecs_available:
        pytest.skip("this build of PyAV has no libx264")
    content = bytearray(write(tmp_path / "a.mp4", "libx264", steady()).read_bytes())
    hole = slice(len(content) // 3, 2 * len(content) // 3)
    content[hole] = b"U" * (hole.stop - hole.start)
    source = VideoSource.of(bytes(content)).labelled("column 'clip'")

    with pytest.raises(DatasetError, match=r"^column 'clip': cannot decode the video"):
        decode_video(source, VideoPart(source), choice(20), decoder)


def test_a_stream_of_unknown_length_is_not_truncated(tmp_path: Path) -> None:
    content = bytearray(write(tmp_path / "a.mkv", "mpeg4", steady(5)).read_bytes())
    # All ones in the length of the segment, as a recorder writes it (RFC 8794, 6.2).
    place = content.index(b"\x18\x53\x80\x67") + 4
    content[place : place + 8] = b"\x01" + b"\xff" * 7
    source = VideoSource.of(bytes(content))

    frames = decoded_frames(source, VideoPart(source), choice(5))

    assert [number_of(frame) for frame in frames] == [0, 1, 2, 3, 4]


def test_without_the_package_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"no video at all")
    monkeypatch.setitem(sys.modules, "av", None)

    with pytest.raises(DatasetError, match=r"pip install 'pytest-evalkit\[video\]'"):
        frames_of(path, choice())
