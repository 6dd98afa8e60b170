"""What is said to a model: messages, their parts, and each wire form of them."""

from __future__ import annotations

from pytest_evalkit.messages.media import ImageSource
from pytest_evalkit.messages.message import (
    ImagePart,
    Message,
    Part,
    Role,
    TextPart,
    message_dicts,
    text_of,
)
from pytest_evalkit.messages.openai_form import to_openai_messages

__all__ = [
    "ImagePart",
    "ImageSource",
    "Message",
    "Part",
    "Role",
    "TextPart",
    "message_dicts",
    "text_of",
    "to_openai_messages",
]
