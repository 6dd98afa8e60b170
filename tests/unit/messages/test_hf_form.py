from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages import (
    AudioPart,
    AudioSource,
    Frame,
    FrameChoice,
    ImagePart,
    ImageSource,
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    VideoFrames,
    VideoPart,
    VideoSource,
    decode_video,
    rgb_image,
    to_hf_messages,
)

_IMAGE = ImagePart(ImageSource.of(b"GIF89a and a"))
_SOUND = AudioPart(AudioSource.of(b"fLaC and the rest"))
_VIDEO = VideoPart(VideoSource.of(b"FLV and the rest"))
_TEXT = {"type": "text", "text": "q"}


def test_media_are_named_by_their_kind_in_their_place() -> None:
    message = Message("user", (_IMAGE, TextPart("q"), _VIDEO, _SOUND))

    assert to_hf_messages([message]) == [
        {
            "role": "user",
            "content": [
                {"type": "image"},
                _TEXT,
                {"type": "video"},
                {"type": "audio"},
            ],
        }
    ]


def test_what_is_given_for_a_medium_stands_in_its_part() -> None:
    message = Message("user", (_IMAGE, _VIDEO))

    (said,) = to_hf_messages([message], {_IMAGE: "pixels", _VIDEO: "frames"})

    assert said["content"] == [
        {"type": "image", "image": "pixels"},
        {"type": "video", "video": "frames"},
    ]


def _greys() -> Iterator[ImageSource]:
    """Make images on the fly, so that none of them outlives its encoding."""
    Image = pytest.importorskip("PIL.Image")  # noqa: N806 (its name)
    for number in range(64):
        yield ImageSource.of(Image.new("L", (8, 8), 4 * number))


def test_64_images_arrive_as_64_images_in_order() -> None:
    message = Message("user", tuple(ImagePart(source) for source in _greys()))
    media = {part: rgb_image(part.source) for part in message.parts}  # type: ignore[union-attr,arg-type]  # images

    (said,) = to_hf_messages([message], media)  # type: ignore[arg-type]  # images

    found = [part["image"].getpixel((0, 0))[0] for part in said["content"]]
    assert found == [4 * number for number in range(64)]


def test_64_frames_arrive_as_64_frames_in_order() -> None:
    frames = [Frame(source, number / 2) for number, source in enumerate(_greys())]
    part = VideoPart(VideoFrames(tuple(frames)))
    choice = FrameChoice(
        nframes=64, fps=None, max_frames=64, min_pixels=1, max_pixels=64
    )

    video = decode_video(part.source, part, choice)

    found = [frame.getpixel((0, 0))[0] for frame in video.frames]
    assert found == [4 * number for number in range(64)]
    assert video.times_s == [number / 2 for number in range(64)]


def test_a_model_of_text_alone_gets_one_text() -> None:
    messages = [Message.of_text("system", "s"), Message("user", (TextPart("a"),) * 2)]

    assert to_hf_messages(messages, is_text_alone=True) == [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "aa"},
    ]


def test_a_model_of_text_alone_is_shown_no_media() -> None:
    with pytest.raises(DatasetError, match="cannot be shown the image"):
        to_hf_messages([Message("user", (_IMAGE,))], is_text_alone=True)


def test_tools_are_called_with_arguments_that_templates_write_out() -> None:
    messages = [
        Message("assistant", (ToolCallPart("1", "add", '{"a": 1}'),)),
        Message("tool", (ToolResultPart("1", "2"), ToolResultPart("2", "3"))),
    ]

    called, *results = to_hf_messages(messages)

    assert called["tool_calls"] == [
        {
            "id": "1",
            "type": "function",
            "function": {"name": "add", "arguments": {"a": 1}},
        }
    ]
    assert results == [
        {"role": "tool", "tool_call_id": "1", "content": "2"},
        {"role": "tool", "tool_call_id": "2", "content": "3"},
    ]


@pytest.mark.parametrize("arguments", ["{", "[1]"])
def test_arguments_that_are_no_object_are_told(arguments: str) -> None:
    said = Message("assistant", (ToolCallPart("1", "add", arguments),))

    with pytest.raises(DatasetError, match="arguments of the tool call add"):
        to_hf_messages([said])
