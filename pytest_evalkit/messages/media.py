"""References to media: where the bytes are, and what identifies their content.

A reference reads nothing until it is asked to, and keeps nothing that it read from a
file: many documents may wait at once.
"""

from __future__ import annotations

import base64
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import unquote_to_bytes

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages.pcm import wav_of
from pytest_evalkit.messages.pixels import pixels_hash, png_of
from pytest_evalkit.messages.signatures import audio_mime, image_mime, video_mime

_HEAD_BYTES = 64
_WEB = ("http://", "https://")
# Bytes that are turned into text at a time: the interpreter lets other threads run only
# between two calls. A multiple of three, so that the pieces can be joined.
_PIECE = 3 << 16


@dataclass(frozen=True, slots=True)
class _Origin:
    """How to get at the bytes of a medium.

    Attributes:
        noun: What kind of medium it should be.
        read: Gives all of them.
        identify: Gives the hash of the content, or None where it is that of the bytes.
        path: The file that has them, or None.
        url: The address of a medium that is not read here, or None.
        mime: Its media type where that is known beforehand, or None.
    """

    noun: str
    read: Callable[[], bytes]
    identify: Callable[[], str] | None = None
    path: Path | None = None
    url: str | None = None
    mime: str | None = None

    def head(self) -> bytes:
        """Read enough of the medium to tell its kind."""
        if self.path is None:
            return self.read()
        with _opened(self.noun, self.path) as file:
            return file.read(_HEAD_BYTES)


class MediaSource(ABC):
    """A medium: its bytes, its media type and the hash of its content.

    Two sources are equal when their content is.
    """

    __slots__ = ("_label", "_mime", "_origin", "_sha256")

    noun: ClassVar[str]

    def __init__(self, origin: _Origin) -> None:
        self._origin = origin
        self._mime: str | None = origin.mime
        self._sha256: str | None = None
        self._label: str | None = None

    @classmethod
    def of(cls, value: Any) -> Self:
        """Take a medium from what data sets hold.

        Args:
            value: Encoded bytes, a path, an address that begins with ``http`` or
                ``data:``, a mapping with ``bytes`` or ``path`` (the undecoded form of
                a cell), or what the kind of medium takes besides.

        Raises:
            DatasetError: It is none of these.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, str | Path):
            return cls._of_place(value)
        content = value
        if isinstance(value, Mapping):
            if value.get("path") and not value.get("bytes"):
                return cls._of_place(value["path"])
            content = value.get("bytes")
        if isinstance(content, bytes | bytearray | memoryview):
            return cls.of_bytes(bytes(content))
        return cls._of_decoded(value)

    @classmethod
    def _of_place(cls, place: str | Path) -> Self:
        if is_address(place) and not str(place).startswith("data:"):
            return cls(_of_address(cls.noun, str(place)))
        if is_address(place):
            return cls.of_bytes(_of_data_url(str(place)))
        return cls(_of_file(cls.noun, Path(place)))

    @classmethod
    def of_bytes(cls, content: bytes) -> Self:
        """Take an encoded medium.

        Raises:
            DatasetError: The bytes are no medium of this kind.
        """
        mime = cls._mime_of(content)
        return cls(_Origin(noun=cls.noun, read=lambda: content, mime=mime))

    @classmethod
    @abstractmethod
    def _mime_of(cls, content: bytes) -> str:
        """Tell the media type from the first bytes.

        Raises:
            DatasetError: They are no medium of this kind.
        """

    @classmethod
    def _of_decoded(cls, value: Any) -> Self:
        raise DatasetError(f"a {type(value).__name__} is no {cls.noun}")

    @property
    def label(self) -> str | None:
        """Where a document has the medium, such as ``column 'image'``, or None."""
        return self._label

    def labelled(self, label: str) -> Self:
        """Say where a document has the medium, for what may be told of it.

        It is no part of the content: with another label a medium is the same.
        """
        twin = copy(self)
        twin._label = label  # noqa: SLF001 (it is of the same class)
        return twin

    @property
    def url(self) -> str | None:
        """The address of a medium that is not read here, or None."""
        return self._origin.url

    @property
    def path(self) -> Path | None:
        """The file that holds the medium, or None where it is in memory."""
        return self._origin.path

    @property
    def content(self) -> bytes:
        """The encoded file, read or made anew each time.

        Raises:
            DatasetError: It cannot be read.
        """
        return self._origin.read()

    @property
    def mime(self) -> str:
        """The media type of ``content``, such as ``image/png``.

        Raises:
            DatasetError: It cannot be read, or is no medium of this kind.
        """
        if self._mime is None:
            self._mime = self._mime_of(self._origin.head())
        return self._mime

    @property
    def sha256(self) -> str:
        """What identifies the content, in hexadecimal: the hash of its bytes.

        A decoded image has the hash of its mode, size and pixels, and a medium that is
        not read here that of its address.

        Raises:
            DatasetError: It cannot be read, or is no medium of this kind.
        """
        if self._sha256 is None:
            self._sha256 = self._identified()
        return self._sha256

    @property
    def is_identified(self) -> bool:
        """Whether ``sha256`` is known already, and so costs nothing."""
        return self._sha256 is not None

    def _identified(self) -> str:
        identify = self._origin.identify
        if identify is not None:
            return identify()
        # What is no medium of this kind should be told now, not when it is sent.
        _ = self.mime
        if self._origin.path is None:
            return hashlib.sha256(self.content).hexdigest()
        with _opened(self.noun, self._origin.path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def data_url(self) -> str:
        """Write the medium as a ``data:`` URL.

        Raises:
            DatasetError: It cannot be read, or is no medium of this kind.
        """
        content = self.content
        return data_url(content, self.mime)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MediaSource):
            return NotImplemented
        return type(self) is type(other) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash((type(self), self.sha256))

    def __repr__(self) -> str:
        known = self._sha256 or self._mime or "not read yet"
        return f"{type(self).__name__}({known})"


class ImageSource(MediaSource):
    """An image.

    Besides what every medium may be, it may be a PIL image, which is encoded as PNG
    and so loses nothing.

    Attributes:
        decoded: The PIL image that it is, or None where it is a file.
    """

    __slots__ = ("decoded",)

    noun = "image"

    def __init__(self, origin: _Origin, decoded: Any = None) -> None:
        super().__init__(origin)
        self.decoded = decoded

    @classmethod
    def _mime_of(cls, content: bytes) -> str:
        mime = image_mime(content)
        if mime is None:
            raise DatasetError(
                "the image is neither PNG, JPEG, GIF, WebP, BMP nor TIFF"
            )
        return mime

    @classmethod
    def _of_decoded(cls, value: Any) -> Self:
        if not (hasattr(value, "tobytes") and hasattr(value, "mode")):
            return super()._of_decoded(value)
        return cls(
            _Origin(
                noun=cls.noun,
                read=partial(png_of, value),
                identify=partial(pixels_hash, value),
                mime="image/png",
            ),
            value,
        )


class AudioSource(MediaSource):
    """A sound.

    Besides what every medium may be, it may be samples: a mapping with ``array``
    (floating-point numbers from -1 to 1; one dimension, or channels by samples) and
    ``sampling_rate`` in hertz. They become WAV of 16 bits.
    """

    __slots__ = ()

    noun = "sound"

    @classmethod
    def _mime_of(cls, content: bytes) -> str:
        mime = audio_mime(content)
        if mime is None:
            raise DatasetError("the sound is neither WAV, MP3, FLAC, Ogg nor MP4")
        return mime

    @classmethod
    def _of_decoded(cls, value: Any) -> Self:
        try:
            samples, rate_hz = value["array"], value["sampling_rate"]
        except (KeyError, TypeError, IndexError):
            return super()._of_decoded(value)
        read = partial(wav_of, samples, rate_hz)
        return cls(_Origin(noun=cls.noun, read=read, mime="audio/wav"))


class VideoSource(MediaSource):
    """A video file."""

    __slots__ = ()

    noun = "video"

    @classmethod
    def _mime_of(cls, content: bytes) -> str:
        return video_mime(content)


def is_address(place: str | Path) -> bool:
    """Tell whether a place is an address, and not a path: ``http`` or ``data:``."""
    return isinstance(place, str) and place.startswith((*_WEB, "data:"))


def data_url(content: bytes, mime: str) -> str:
    """Write bytes as a ``data:`` URL."""
    return f"data:{mime};base64,{base64_text(content)}"


def base64_text(content: bytes) -> str:
    """Write bytes as base64, letting other threads run meanwhile."""
    view = memoryview(content)
    pieces = [
        base64.b64encode(view[start : start + _PIECE]).decode("ascii")
        for start in range(0, len(content), _PIECE)
    ]
    return "".join(pieces)


@contextmanager
def told_of(source: MediaSource) -> Iterator[None]:
    """Begin what is told of a medium with where its document has it.

    Raises:
        DatasetError: One was raised while the context lasted.
    """
    try:
        yield
    except DatasetError as error:
        label = source.label
        if label is None or error.message.startswith(label):
            raise
        raise DatasetError(
            f"{label}: {error.message}", path=error.path, line=error.line
        ) from error


@contextmanager
def _opened(noun: str, path: Path) -> Iterator[BufferedReader]:
    try:
        with path.open("rb") as file:
            yield file
    except (OSError, ValueError) as error:
        # What has a null character in it names no file.
        told = getattr(error, "strerror", None) or str(error)
        raise DatasetError(f"cannot read {noun} {str(path)[:200]}: {told}") from error


def _of_file(noun: str, path: Path) -> _Origin:
    def read() -> bytes:
        with _opened(noun, path) as file:
            return file.read()

    return _Origin(noun=noun, read=read, path=path)


def _of_address(noun: str, url: str) -> _Origin:
    def read() -> bytes:
        raise DatasetError(
            f"this use of the {noun} at {url.partition('?')[0]} needs its bytes, which "
            "are for the endpoint to fetch; download it and give its path"
        )

    def identify() -> str:
        return hashlib.sha256(url.encode()).hexdigest()

    return _Origin(noun=noun, read=read, identify=identify, url=url)


def _of_data_url(url: str) -> bytes:
    head, comma, text = url.partition(",")
    if not comma:
        raise DatasetError(f"not a data URL, it has no comma: {url[:60]!r}")
    if not head.endswith(";base64"):
        return unquote_to_bytes(text)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise DatasetError(f"a data URL that is not base64: {error}") from error
