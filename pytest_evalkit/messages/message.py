"""Messages and their parts: values without identity, compared by content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from pytest_evalkit.messages.frames import VideoFrames
from pytest_evalkit.messages.media import AudioSource, ImageSource, VideoSource

Role = Literal["system", "user", "assistant", "tool"]


class TextPart(Struct, frozen=True):
    """A piece of text.

    Attributes:
        text: The text, as the model is to see it.
    """

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image.

    Attributes:
        source: Where its bytes are, and what identifies it.
    """

    source: ImageSource


@dataclass(frozen=True, slots=True)
class AudioPart:
    """A sound.

    Attributes:
        source: Where its bytes are, and what identifies it.
    """

    source: AudioSource


@dataclass(frozen=True, slots=True)
class VideoPart:
    """A video.

    Attributes:
        source: The file or its address, or frames that were taken from one.
        start_s: Where the part to show begins, in seconds; None for the beginning.
        end_s: Where it ends, in seconds; None for the end.
    """

    source: VideoSource | VideoFrames
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    """A model's wish to have a tool called; said by the assistant.

    Attributes:
        id: What the result refers to.
        name: The tool.
        arguments: The arguments as the model wrote them; should be a JSON object.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResultPart:
    """What a tool answered; said by the tool.

    Attributes:
        tool_call_id: The call that it answers.
        content: The result, as the model is to read it.
    """

    tool_call_id: str
    content: str


MediaPart = ImagePart | AudioPart | VideoPart
Part = TextPart | MediaPart | ToolCallPart | ToolResultPart


class Message(Struct, frozen=True):
    """One thing said by one side.

    Attributes:
        role: Who says it.
        parts: What is said, in order. Empty text is said too: an assistant that calls
            tools without a word has no part of text.
        name: Which of several speakers of the role says it, or None.
        reasoning: What the assistant thought before, which some endpoints want to be
            shown again, or None.
    """

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    reasoning: str | None = None

    @classmethod
    def of_text(cls, role: Role, text: str) -> Message:
        """Say a text."""
        return cls(role, (TextPart(text),))

    @property
    def only_text(self) -> str | None:
        """The text where there is one and nothing else, as in most messages."""
        if len(self.parts) == 1 and isinstance(self.parts[0], TextPart):
            return self.parts[0].text
        return None

    @property
    def text(self) -> str:
        """The text of the message, its media and tools left out."""
        text = self.only_text
        if text is not None:
            return text
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def media(self) -> tuple[MediaPart, ...]:
        """The images, sounds and videos of the message, in order."""
        if self.only_text is not None:
            return ()
        return tuple(part for part in self.parts if isinstance(part, MediaPart))


def text_of(
    messages: Iterable[Message], tokens: Mapping[type[MediaPart], str] | None = None
) -> str:
    """Write messages as plain text, for models that complete a text.

    The texts are joined as they are: a prompt carries its own delimiters.

    Args:
        messages: What is said.
        tokens: What stands for each kind of medium, such as ``<image>``; None, and a
            kind that is not among them, leaves such media out.
    """
    found = tokens or {}
    return "".join(
        part.text if isinstance(part, TextPart) else found.get(type(part), "")
        for message in messages
        for part in message.parts
        if isinstance(part, TextPart | MediaPart)
    )


def with_system(messages: Iterable[Message], text: str) -> tuple[Message, ...]:
    """Replace the system message by a text, or put one in front where there is none."""
    system = Message.of_text("system", text)
    return (system, *(message for message in messages if message.role != "system"))
