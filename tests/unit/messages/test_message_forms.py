from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from pydantic import TypeAdapter

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages import (
    AudioPart,
    AudioSource,
    Frame,
    ImagePart,
    ImageSource,
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    VideoFrames,
    VideoPart,
    VideoSource,
    message_dicts,
    messages_from,
    text_of,
    to_hf_messages,
    to_openai_messages,
    to_qwen3_vl_openai_messages,
    with_system,
)

PNG = b"\x89PNG\r\n\x1a\n and the rest"
WAV = b"RIFF....WAVE and the rest"
IMAGE = ImagePart(ImageSource.of(PNG))
PNG_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
SHOWN = {"type": "image_url", "image_url": {"url": PNG_URL}}
CALL = ToolCallPart("c1", "add", '{"a": 1}')
FRAMES = VideoFrames((Frame(IMAGE.source, 0.0), Frame(IMAGE.source, 3.46)))

TOOL_TALK = (
    Message.of_text("user", "One and one?"),
    Message("assistant", (CALL, ToolCallPart("c2", "add", "{}"))),
    Message("tool", (ToolResultPart("c1", "2"), ToolResultPart("c2", "0"))),
    Message("assistant", (TextPart("Let me see."), CALL)),
    Message("tool", (ToolResultPart("c1", "2"),)),
)


def test_a_message_of_text_alone_is_a_string() -> None:
    message = Message("user", (TextPart("a"), TextPart("b")))

    assert to_openai_messages([message]) == [{"role": "user", "content": "ab"}]


def test_images_stay_where_they_are_in_the_text() -> None:
    message = Message("user", (TextPart("a"), IMAGE, TextPart("b")))

    assert to_openai_messages([message])[0]["content"] == [
        {"type": "text", "text": "a"},
        SHOWN,
        {"type": "text", "text": "b"},
    ]


def test_a_sound_is_input_audio() -> None:
    message = Message("user", (AudioPart(AudioSource.of(WAV)),))

    (part,) = to_openai_messages([message])[0]["content"]

    assert part["type"] == "input_audio"
    assert base64.b64decode(part["input_audio"]["data"]) == WAV
    assert part["input_audio"]["format"] == "wav"


def test_a_sound_of_another_kind_is_told() -> None:
    message = Message("user", (AudioPart(AudioSource.of(b"fLaC........")),))

    with pytest.raises(DatasetError, match="audio/flac"):
        to_openai_messages([message])


def test_a_video_is_its_address() -> None:
    message = Message("user", (VideoPart(VideoSource.of("https://host/a.mp4")),))

    assert to_openai_messages([message])[0]["content"] == [
        {"type": "video_url", "video_url": {"url": "https://host/a.mp4"}}
    ]


def test_frames_are_images_with_nothing_between() -> None:
    message = Message("user", (VideoPart(FRAMES), TextPart("What?")))

    assert to_openai_messages([message])[0]["content"] == [
        SHOWN,
        SHOWN,
        {"type": "text", "text": "What?"},
    ]


def test_qwen3_vl_says_the_time_before_each_frame() -> None:
    message = Message("user", (VideoPart(FRAMES), TextPart("What?")))

    assert to_qwen3_vl_openai_messages([message])[0]["content"] == [
        {"type": "text", "text": "<0.0 seconds>"},
        SHOWN,
        {"type": "text", "text": "<3.5 seconds>"},
        SHOWN,
        {"type": "text", "text": "What?"},
    ]


def test_each_tool_result_is_a_message_of_its_own() -> None:
    function = {"name": "add", "arguments": '{"a": 1}'}
    first = {"id": "c1", "type": "function", "function": function}
    second = {**first, "id": "c2", "function": {"name": "add", "arguments": "{}"}}

    assert to_openai_messages(TOOL_TALK) == [
        {"role": "user", "content": "One and one?"},
        {"role": "assistant", "content": None, "tool_calls": [first, second]},
        {"role": "tool", "tool_call_id": "c1", "content": "2"},
        {"role": "tool", "tool_call_id": "c2", "content": "0"},
        {"role": "assistant", "content": "Let me see.", "tool_calls": [first]},
        {"role": "tool", "tool_call_id": "c1", "content": "2"},
    ]


@pytest.mark.parametrize(
    "messages",
    [
        TOOL_TALK,
        (Message("user", (IMAGE, AudioPart(AudioSource.of(WAV)), TextPart("a"))),),
        (Message("user", (VideoPart(FRAMES),)),),
    ],
)
def test_messages_are_those_that_openai_describes(messages: Any) -> None:
    described = pytest.importorskip("openai.types.chat").ChatCompletionMessageParam
    adapter: Any = TypeAdapter(described)

    for message in to_openai_messages(messages):
        adapter.validate_python(message, strict=False)


def test_the_record_has_hashes_in_place_of_media() -> None:
    video = b"FLV........."
    parts = (
        TextPart("a"),
        IMAGE,
        AudioPart(AudioSource.of(WAV)),
        VideoPart(VideoSource.of(video), start_s=1.5),
        VideoPart(FRAMES),
        ImagePart(ImageSource.of("https://user@host/a.png?signature=hush")),
    )

    (recorded,) = message_dicts([Message("user", parts)])

    png, address = (
        hashlib.sha256(one).hexdigest()
        for one in (PNG, b"https://user@host/a.png?signature=hush")
    )
    assert recorded["content"] == [
        {"type": "text", "text": "a"},
        {"type": "image", "mime": "image/png", "sha256": png},
        {
            "type": "audio",
            "mime": "audio/wav",
            "sha256": hashlib.sha256(WAV).hexdigest(),
        },
        {
            "type": "video",
            "mime": "video/x-flv",
            "sha256": hashlib.sha256(video).hexdigest(),
            "start_s": 1.5,
        },
        {
            "type": "video",
            "frames": [
                {"time_s": 0.0, "sha256": png},
                {"time_s": 3.46, "sha256": png},
            ],
        },
        {"type": "image", "url": "https://host/a.png", "sha256": address},
    ]


def test_the_record_has_tool_calls_and_results() -> None:
    recorded = message_dicts(TOOL_TALK[3:])

    call = {"type": "tool_call", "id": "c1", "name": "add", "arguments": '{"a": 1}'}
    result = {"type": "tool_result", "tool_call_id": "c1", "content": "2"}
    assert recorded == [
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "Let me see."}, call],
        },
        {"role": "tool", "content": [result]},
    ]


def test_messages_are_compared_by_content() -> None:
    parts = (ImagePart(ImageSource.of(bytes(PNG))), TextPart("a"))

    assert Message("user", parts) == Message("user", (IMAGE, TextPart("a")))
    assert hash(Message("user", parts)) == hash(Message("user", (IMAGE, TextPart("a"))))


def test_plain_text_leaves_media_and_tools_out() -> None:
    assert text_of([Message("user", (IMAGE, TextPart("a"))), *TOOL_TALK[3:]]) == (
        "aLet me see."
    )


def test_a_system_message_is_replaced_or_put_in_front() -> None:
    user, old = Message.of_text("user", "q"), Message.of_text("system", "old")
    new = Message.of_text("system", "new")

    assert with_system([old, user], "new") == (new, user)
    assert with_system([user], "new") == (new, user)


def test_a_name_and_earlier_thought_stand_beside_the_content() -> None:
    named = Message("user", (TextPart("Hi"),), name="ann")
    thought = Message("assistant", (CALL,), reasoning="Add them.")

    openai = to_openai_messages([named, thought])
    hf = to_hf_messages([named, thought], is_text_alone=True)

    assert openai[0] == {"role": "user", "content": "Hi", "name": "ann"}
    assert openai[1]["reasoning_content"] == "Add them."
    assert hf[0]["name"] == "ann"
    assert hf[1]["reasoning_content"] == "Add them."


@pytest.mark.parametrize(("parts", "content"), [((), None), ((TextPart(""),), "")])
def test_empty_text_before_a_call_is_not_silence(
    parts: tuple[TextPart, ...], content: str | None
) -> None:
    (said,) = to_openai_messages([Message("assistant", (*parts, CALL))])

    assert said["content"] == content


def test_a_record_keeps_names_and_thought_and_leaves_out_what_is_not_there() -> None:
    plain = Message.of_text("user", "Hi")
    full = Message("assistant", (TextPart("Hm"),), name="bob", reasoning="So.")

    dicts = message_dicts([plain, full])

    assert dicts[0] == {"role": "user", "content": "Hi"}
    assert messages_from(dicts, {}) == (plain, full)
