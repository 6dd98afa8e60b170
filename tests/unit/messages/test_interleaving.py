from __future__ import annotations

import pytest

from pytest_evalkit.messages import (
    AudioPart,
    AudioSource,
    ImagePart,
    ImageSource,
    Message,
    Part,
    TextPart,
    VideoPart,
    VideoSource,
    interleaved,
)

_IMAGES = tuple(
    ImagePart(ImageSource.of(b"GIF89a and " + name)) for name in (b"a", b"b")
)
_SOUND = AudioPart(AudioSource.of(b"fLaC and the rest"))
_VIDEO = VideoPart(VideoSource.of(b"FLV and the rest"))
_NAMES: dict[Part, str] = {
    _IMAGES[0]: "a",
    _IMAGES[1]: "b",
    _SOUND: "s",
    _VIDEO: "v",
}


def _told(*parts: Part) -> list[str]:
    said = interleaved(Message("user", parts))
    return [
        repr(part.text) if isinstance(part, TextPart) else _NAMES[part]
        for part in said.parts
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("q", ["a", "b", "'q'"]),
        ("<image>q<image>", ["a", "'q'", "b"]),
        ("see <image> and", ["b", "'see '", "a", "' and'"]),
        ("<image 2>, then <image 1>.", ["b", "', then '", "a", "'.'"]),
        ("<image2><image 1>", ["b", "a"]),
        ("<image 1> or <image 1>?", ["b", "a", "' or '", "a", "'?'"]),
        # The one with a number is taken; the next that is not is the second.
        ("<image 1><image>", ["a", "b"]),
        ("<image><image><image>", ["a", "b", "'<image>'"]),
        ("<image 3> <image 0>", ["a", "b", "'<image 3> <image 0>'"]),
        ("<video> <images>", ["a", "b", "'<video> <images>'"]),
    ],
)
def test_images_go_to_their_tokens(text: str, expected: list[str]) -> None:
    assert _told(*_IMAGES, TextPart(text)) == expected


def test_each_kind_of_medium_has_its_token() -> None:
    text = TextPart("<audio>1<video>2<image>3")

    assert _told(_IMAGES[0], _VIDEO, _SOUND, text) == [
        *("s", "'1'", "v", "'2'", "a", "'3'")
    ]


def test_a_message_without_media_stays_as_it_is() -> None:
    message = Message("user", (TextPart("<image>"), TextPart("")))

    assert interleaved(message) is message
