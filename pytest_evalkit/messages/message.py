"""Messages and their parts: values without identity, compared by content."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pytest_evalkit.messages.media import ImageSource

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of text.

    Attributes:
        text: The text, as the model is to see it.
    """

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image.

    Attributes:
        source: The image's bytes and their hash.
    """

    source: ImageSource


Part = TextPart | ImagePart


@dataclass(frozen=True, slots=True)
class Message:
    """One thing said by one side.

    Attributes:
        role: Who says it.
        parts: What is said, in order.
    """

    role: Role
    parts: tuple[Part, ...]

    @classmethod
    def of_text(cls, role: Role, text: str) -> Message:
        """Say a text."""
        return cls(role, (TextPart(text),))

    @property
    def text(self) -> str:
        """The text of the message, its media left out."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))


def text_of(messages: Iterable[Message]) -> str:
    """Write messages as plain text, for models that complete a text.

    The texts are joined as they are: a prompt carries its own delimiters.
    """
    return "".join(message.text for message in messages)


def message_dicts(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Write messages for the record: texts in full, media by their hash."""
    return [
        {"role": message.role, "content": _recorded(message)} for message in messages
    ]


def _recorded(message: Message) -> str | list[dict[str, Any]]:
    if len(message.parts) == 1 and isinstance(message.parts[0], TextPart):
        return message.parts[0].text
    return [_recorded_part(part) for part in message.parts]


def _recorded_part(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    source = part.source
    return {"type": "image", "mime": source.mime, "sha256": source.sha256}
