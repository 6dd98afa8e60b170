"""Media at the places that a text has for them.

Benchmarks write ``<image>`` for the next image, or ``<image 1>`` for one by its number;
``<video>`` and ``<audio>`` are written alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from pytest_evalkit.messages.message import (
    AudioPart,
    ImagePart,
    MediaPart,
    Message,
    Part,
    TextPart,
    VideoPart,
)

_TOKEN = re.compile(r"<(image|video|audio)(?: ?([1-9]\d*))?>")
_KINDS: Mapping[str, type[MediaPart]] = {
    "image": ImagePart,
    "video": VideoPart,
    "audio": AudioPart,
}


def interleaved(message: Message) -> Message:
    """Move the media of a message to the tokens in its text.

    A token that stands for no medium remains text, and media that no token stands for
    come first, in their order. A medium is shown as often as its number is written.

    >>> sky = ImagePart(ImageSource.of(b"GIF89a......"))
    >>> said = interleaved(Message("user", (sky, TextPart("What is in <image>?"))))
    >>> [getattr(part, "text", "a picture") for part in said.parts]
    ['What is in ', 'a picture', '?']
    """
    if not message.media:
        return message
    return replace(message, parts=interleaved_parts(message.parts))


def interleaved_parts(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Do for parts what ``interleaved`` does for those of a message."""
    places = _Places(part for part in parts if isinstance(part, MediaPart))
    said: list[Part] = []
    for part in parts:
        if isinstance(part, TextPart):
            said.extend(_pieces(part.text, places))
        elif not isinstance(part, MediaPart):
            said.append(part)
    return (*places.left, *said)


class _Places:
    """Media of one message, and which of them have found their place."""

    def __init__(self, media: Iterable[MediaPart]) -> None:
        self._media = list(media)
        self._placed: set[int] = set()

    @property
    def left(self) -> tuple[MediaPart, ...]:
        """What no token stood for."""
        return tuple(
            part for place, part in enumerate(self._media) if place not in self._placed
        )

    def take(self, kind: str, number: str | None) -> MediaPart | None:
        """Give the medium that a token stands for, or None."""
        places = [
            place
            for place, part in enumerate(self._media)
            if isinstance(part, _KINDS[kind])
        ]
        if number is None:
            places = [place for place in places if place not in self._placed]
        index = int(number or 1) - 1
        if index >= len(places):
            return None
        self._placed.add(places[index])
        return self._media[places[index]]


def _pieces(text: str, places: _Places) -> Iterator[Part]:
    written = 0
    for token in _TOKEN.finditer(text):
        medium = places.take(token[1], token[2])
        if medium is None:
            continue
        if token.start() > written:
            yield TextPart(text[written : token.start()])
        yield medium
        written = token.end()
    if written < len(text):
        yield TextPart(text[written:])
