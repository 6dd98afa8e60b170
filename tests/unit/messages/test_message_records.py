from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages import (
    AudioPart,
    AudioSource,
    Frame,
    ImagePart,
    ImageSource,
    MediaPart,
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    VideoFrames,
    VideoPart,
    VideoSource,
    media_of,
    message_dicts,
    messages_from,
    messages_hash,
    text_of,
)

_GIF = ImageSource.of(b"GIF89a and a")
_OTHER = ImageSource.of(b"GIF89a and b")
_SOUND = AudioSource.of(b"fLaC and the rest")
_FILM = VideoSource.of(b"FLV and the rest")
_FRAMES = VideoFrames((Frame(_GIF, 0.0), Frame(_OTHER, 1.5)))
_AWAY = ImageSource.of("https://host/a.png")
_SECRET = ImageSource.of("https://host/a.png?key=1")
_MEDIA: dict[str, Any] = {
    source.sha256: source for source in (_GIF, _OTHER, _SOUND, _FILM, _SECRET)
}

CONVERSATION = (
    Message.of_text("system", "Be brief."),
    Message("user", (ImagePart(_GIF), TextPart("a"), TextPart("b"), AudioPart(_SOUND))),
    Message("user", (VideoPart(_FILM, 1.0, None), VideoPart(_FRAMES, None, 2.0))),
    Message("user", (ImagePart(_AWAY), ImagePart(_SECRET))),
    Message("assistant", (TextPart("so"), ToolCallPart("1", "add", '{"a": 1}'))),
    Message("tool", (ToolResultPart("1", "2"), ToolResultPart("2", "3"))),
    Message("user", ()),
)


def test_messages_are_read_from_their_record_as_they_were() -> None:
    written = json.loads(json.dumps(message_dicts(CONVERSATION)))

    assert messages_from(written, _MEDIA) == CONVERSATION


def test_the_hash_of_messages_is_that_of_what_they_say() -> None:
    again = messages_from(message_dicts(CONVERSATION), _MEDIA)
    said = [Message("user", (ImagePart(source),)) for source in (_GIF, _OTHER)]

    assert messages_hash(again) == messages_hash(CONVERSATION)
    assert messages_hash(said[:1]) != messages_hash(said[1:])
    assert len(messages_hash([])) == 64


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({"type": "image", "sha256": "0"}, "the image 0 is not among the media"),
        (
            {"type": "audio", "sha256": _GIF.sha256},
            "should be of the kind sound, not image",
        ),
        (
            {"type": "image", "sha256": "0", "url": "https://host/b.png"},
            "the image 0 is not among the media",
        ),
        ({"type": "smell"}, "unknown type 'smell'"),
    ],
)
def test_a_record_whose_media_are_not_there_is_told(
    part: dict[str, Any], problem: str
) -> None:
    with pytest.raises(DatasetError, match=problem):
        messages_from([{"role": "user", "content": [part]}], _MEDIA)


def test_media_are_listed_in_the_order_in_which_they_are_said() -> None:
    found = media_of(CONVERSATION)

    sources = [_GIF, _SOUND, _FILM, _FRAMES, _AWAY, _SECRET]
    assert [part.source for part in found] == sources


def test_plain_text_has_what_stands_for_media_in_their_place() -> None:
    tokens: dict[type[MediaPart], str] = {ImagePart: "<image>"}

    assert text_of(CONVERSATION[:2]) == "Be brief.ab"
    assert text_of(CONVERSATION[:2], tokens) == "Be brief.<image>ab"
