from __future__ import annotations

import base64
import sys
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import OptionError, RequestRejectedError
from pytest_evalkit.messages import (
    AudioPart,
    AudioSource,
    Frame,
    ImagePart,
    ImageSource,
    MediaPart,
    Message,
    TextPart,
    VideoFrames,
    VideoPart,
    VideoSource,
    to_openai_messages,
)
from pytest_evalkit.models.formats import (
    MessageFormat,
    MessageSettings,
)
from tests.unit.models.sent_messages import image_of, prepared, sent

np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")


def user(text: str) -> Message:
    return Message.of_text("user", text)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"message_format": "qwen3vl"}, "'qwen3vl'; did you mean 'qwen3_vl'"),
        ({"image_format": "jpg"}, "'jpg'; did you mean 'jpeg'"),
        ({"image_quality": 0}, "image_quality must be from 1 to 100, got 0"),
        ({"nframes": 0}, "nframes must be above 0"),
        ({"fps": -1.0}, "fps must be above 0"),
        ({"total_pixels": 0}, "total_pixels must be above 0"),
        ({"video_decoder": "decor"}, "'decor'; did you mean 'decord'"),
        ({"max_size_in_mb": 0}, "max_size_in_mb must be above 0"),
        ({"min_pixels": 10, "max_pixels": 9}, "min_pixels must not be above"),
    ],
)
def test_what_makes_no_sense_is_told(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(OptionError, match=problem):
        MessageSettings(**settings)


def test_the_environment_gives_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_IMAGE_ENCODE_FORMAT", "WEBP")
    monkeypatch.setenv("LMMS_IMAGE_JPEG_QUALITY", "40")

    assert MessageSettings().image_format == "webp"
    assert MessageSettings().image_quality == 40
    assert MessageSettings(image_format="png").image_format == "png"


def test_an_environment_that_makes_no_sense_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LMMS_IMAGE_JPEG_QUALITY", "high")

    with pytest.raises(OptionError, match=r"LMMS_IMAGE_JPEG_QUALITY.*'high'"):
        MessageSettings()


def test_a_system_prompt_replaces_or_is_put_in_front() -> None:
    old = Message.of_text("system", "old")
    expected = [
        {"role": "system", "content": "new"},
        {"role": "user", "content": "q"},
    ]

    for messages in ((old, user("q")), (user("q"),)):
        said = prepared(*messages, system_prompt="new")

        assert said.messages == expected
        assert said.notes == ("the system message is the model's system_prompt",)


def test_a_system_prompt_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "prompt.txt"
    path.write_text("Be brief.\n", encoding="utf-8")

    said = prepared(user("q"), system_prompt=str(path))

    assert said.messages[0] == {"role": "system", "content": "Be brief."}


@pytest.mark.parametrize("prompt", ["x" * 5000, "a\0b", "no/such/file.txt"])
def test_what_names_no_file_is_the_prompt_itself(prompt: str) -> None:
    assert prepared(user("q"), system_prompt=prompt).messages[0]["content"] == prompt


def test_a_system_prompt_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "prompt.txt"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(OptionError, match="cannot read system_prompt"):
        MessageFormat(MessageSettings(system_prompt=str(path)))


def test_64_frames_arrive_as_64_images_in_order() -> None:
    frames = tuple(
        Frame(ImageSource.of(Image.new("RGB", (8, 8), (4 * n, 0, 0))), n / 2)
        for n in range(64)
    )

    content = sent(VideoPart(VideoFrames(frames)), message_format="qwen3_vl")

    assert [said["text"] for said in content[::2]] == [
        f"<{n / 2:.1f} seconds>" for n in range(64)
    ]
    found = [image_of(said).getpixel((0, 0))[0] for said in content[1::2]]
    assert found == [4 * n for n in range(64)]


def test_64_images_and_frames_arrive_as_128_images_in_order() -> None:
    sources = [ImageSource.of(Image.new("RGB", (8, 8), (n, 0, 0))) for n in range(128)]
    film = VideoFrames(tuple(Frame(source, 0.0) for source in sources[64:]))
    message = Message("user", (*map(ImagePart, sources[:64]), VideoPart(film)))

    (encoded,) = prepared(message).messages
    (plain,) = to_openai_messages([message])

    for said in (encoded, plain):
        found = [image_of(one).getpixel((0, 0))[0] for one in said["content"]]
        assert found == list(range(128))


def test_sounds_are_sent_as_they_are() -> None:
    source = AudioSource.of({"array": [0.0, 0.5], "sampling_rate": 8000})

    (said,) = sent(AudioPart(source))

    assert base64.b64decode(said["input_audio"]["data"]) == source.content
    assert said["input_audio"]["format"] == "wav"


def video(path: Path, times_ms: Iterable[int] = range(0, 3000, 100)) -> Path:
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, time_ms in enumerate(times_ms):
            pixels = np.full((48, 64, 3), 8 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def test_a_video_is_sent_as_frames_and_it_is_said_which(tmp_path: Path) -> None:
    part = VideoPart(VideoSource.of(video(tmp_path / "a.mp4")))

    said = prepared(
        Message("user", (part,)),
        message_format="qwen3_vl",
        nframes=3,
        max_pixels=1200,
    )

    content = said.messages[0]["content"]
    # Positions 0, 14.5 to the even 14, and 29.
    times = ["<0.0 seconds>", "<1.4 seconds>", "<2.9 seconds>"]
    assert [one["text"] for one in content[::2]] == times
    assert [image_of(one).size for one in content[1::2]] == [(40, 30)] * 3
    assert said.notes == (
        "a video was shown as 3 frames: 0 (0.000 s), 14 (1.400 s), 29 (2.900 s)",
    )


def test_times_before_frames_are_right_where_the_rate_changes(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mkv", [100 * number * number for number in range(10)])
    part = VideoPart(VideoSource.of(path))

    said = prepared(Message("user", (part,)), message_format="qwen3_vl", nframes=4)

    times = ["<0.0 seconds>", "<0.9 seconds>", "<3.6 seconds>", "<8.1 seconds>"]
    assert [one["text"] for one in said.messages[0]["content"][::2]] == times


def test_all_frames_of_a_video_share_its_pixels(tmp_path: Path) -> None:
    part = VideoPart(VideoSource.of(video(tmp_path / "a.mp4")))

    shown = sent(part, nframes=4, total_pixels=4 * 768)

    assert [image_of(one).size for one in shown] == [(32, 24)] * 4


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        (VideoPart(VideoSource.of(b"....ftypisom....").labelled("here")), "truncated"),
        (AudioPart(AudioSource.of(b"ID3 and so on").labelled("here")), "cannot decode"),
        (ImagePart(ImageSource.of(b"GIF89a").labelled("here")), "cannot decode"),
    ],
)
def test_what_is_broken_is_told_with_its_place(part: MediaPart, problem: str) -> None:
    pytest.importorskip("av")

    with pytest.raises(RequestRejectedError, match=f"^here: .*{problem}"):
        sent(part, image_format="png")


def test_media_may_be_sent_where_the_text_names_them() -> None:
    images = [ImageSource.of(Image.new("RGB", (width, 1))) for width in (1, 2)]
    text = TextPart("See <image 2> and <image 1>.")
    message = Message("user", (*map(ImagePart, images), text))

    (first,) = prepared(message).messages
    (moved,) = prepared(message, interleave_visuals=True).messages

    assert [one["type"] for one in first["content"]] == ["image_url"] * 2 + ["text"]
    said, wide, between, narrow, end = moved["content"]
    assert (image_of(wide).width, image_of(narrow).width) == (2, 1)
    assert [one["text"] for one in (said, between, end)] == ["See ", " and ", "."]


def test_frames_a_second_win_over_a_number_of_frames(tmp_path: Path) -> None:
    part = VideoPart(VideoSource.of(video(tmp_path / "a.mp4")))

    assert len(sent(part, nframes=30, fps=2)) == 6
    assert len(sent(part, nframes=30, fps=2, max_frames=4)) == 4


def test_a_video_may_be_sent_as_its_address(tmp_path: Path) -> None:
    path = tmp_path / "a b.mp4"
    path.write_bytes(b"FLV.........")
    content = "data:video/x-flv;base64," + base64.b64encode(b"FLV.........").decode()
    values = {
        path: path.as_uri(),
        "https://host/a.mp4": "https://host/a.mp4",
        b"FLV.........": content,
    }

    for value, url in values.items():
        (said,) = sent(VideoPart(VideoSource.of(value)), pass_video_url=True)

        assert said == {"type": "video_url", "video_url": {"url": url}}


def test_a_video_without_pyav_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    path = tmp_path / "a.mp4"
    path.write_bytes(b"FLV.........")

    with pytest.raises(RequestRejectedError, match=r"pytest-evalkit\[video\]"):
        sent(VideoPart(VideoSource.of(path)))
