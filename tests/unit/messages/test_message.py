from __future__ import annotations

from pytest_evalkit.messages import (
    ImagePart,
    ImageSource,
    Message,
    TextPart,
    message_dicts,
    text_of,
    to_openai_messages,
)

_IMAGE = ImageSource.of_bytes(b"GIF89a")
_BRIEF = Message.of_text("system", "Be brief.")
_LOOK = Message(
    "user", (TextPart("What is "), ImagePart(_IMAGE), TextPart("in the picture?"))
)


def test_messages_are_compared_by_what_they_say() -> None:
    assert Message.of_text("user", "hi") == Message("user", (TextPart("hi"),))
    assert Message.of_text("user", "hi") != Message.of_text("assistant", "hi")
    assert ImagePart(_IMAGE) == ImagePart(ImageSource.of_bytes(b"GIF89a"))


def test_the_text_of_a_message_leaves_its_media_out() -> None:
    assert _LOOK.text == "What is in the picture?"


def test_a_prompt_for_completion_is_the_texts_joined_as_they_are() -> None:
    assert text_of([_BRIEF, _LOOK]) == "Be brief.What is in the picture?"
    assert text_of([]) == ""


def test_the_record_has_texts_in_full_and_media_by_their_hash() -> None:
    assert message_dicts([_BRIEF, _LOOK]) == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is "},
                {"type": "image", "mime": "image/gif", "sha256": _IMAGE.sha256},
                {"type": "text", "text": "in the picture?"},
            ],
        },
    ]


def test_the_chat_protocol_gets_images_as_data_urls_in_their_place() -> None:
    assert to_openai_messages([_BRIEF, _LOOK]) == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is "},
                {
                    "type": "image_url",
                    "image_url": {"url": "data:image/gif;base64,R0lGODlh"},
                },
                {"type": "text", "text": "in the picture?"},
            ],
        },
    ]


def test_several_texts_are_one_string_for_the_chat_protocol() -> None:
    message = Message("user", (TextPart("one "), TextPart("two")))

    assert to_openai_messages([message]) == [{"role": "user", "content": "one two"}]
