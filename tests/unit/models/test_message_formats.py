from __future__ import annotations

import asyncio
import base64
import io
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import OptionError, RequestRejectedError
from pytest_evalkit.messages import (
    AudioPart,
    AudioSource,
    Frame,
    ImageSource,
    MediaPart,
    Message,
    VideoFrames,
    VideoPart,
    VideoSource,
)
from pytest_evalkit.models.formats import (
    MessageFormat,
    MessageSettings,
    PreparedMessages,
)

np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")


def prepared(*messages: Message, **settings: Any) -> PreparedMessages:
    async def prepare() -> PreparedMessages:
        writing = MessageFormat(MessageSettings(**settings))
        try:
            return await writing.prepare(messages)
        finally:
            await writing.aclose()

    return asyncio.run(prepare())


def sent(part: MediaPart, **settings: Any) -> list[dict[str, Any]]:
    """Send one medium; say what becomes of it."""
    (message,) = prepared(Message("user", (part,)), **settings).messages
    content: list[dict[str, Any]] = message["content"]
    return content


def image_of(said: dict[str, Any]) -> Any:
    head, text = said["image_url"]["url"].split(",")
    image = Image.open(io.BytesIO(base64.b64decode(text)))
    assert head == f"data:{Image.MIME[image.format]};base64"
    return image


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


def test_sounds_are_sent_as_they_are() -> None:
    content = b"ID3 and the rest"

    (said,) = sent(AudioPart(AudioSource.of(content)))

    assert base64.b64decode(said["input_audio"]["data"]) == content
    assert said["input_audio"]["format"] == "mp3"


def video(path: Path) -> Path:
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(30):
            pixels = np.full((48, 64, 3), 8 * number, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
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
