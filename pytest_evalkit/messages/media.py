"""References to media: where the bytes are, and what identifies their content."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_evalkit.errors import DatasetError

# The file kinds that every vision endpoint accepts, by their first bytes.
_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
}


@dataclass(frozen=True, slots=True)
class ImageSource:
    """An image as encoded bytes, with the hash that identifies its content.

    Attributes:
        content: The encoded file (PNG, JPEG, GIF or WebP).
        mime: Its media type, such as ``image/png``.
        sha256: Hash of ``content``, in hexadecimal.
    """

    content: bytes
    mime: str
    sha256: str

    @classmethod
    def of(cls, value: Any) -> ImageSource:
        """Take an image from what data sets hold.

        Args:
            value: Encoded bytes, a path, a mapping with ``bytes`` or ``path`` (the
                undecoded form of an image cell), or a PIL image, which is encoded
                as PNG and so loses nothing.

        Raises:
            DatasetError: It is none of these, or the file cannot be read.
        """
        return cls.of_bytes(_encoded(value))

    @classmethod
    def of_bytes(cls, content: bytes) -> ImageSource:
        """Take an encoded image.

        Raises:
            DatasetError: The bytes are no image that endpoints accept.
        """
        return cls(content, _mime(content), hashlib.sha256(content).hexdigest())

    def data_url(self) -> str:
        """Write the image as a ``data:`` URL."""
        return f"data:{self.mime};base64,{base64.b64encode(self.content).decode()}"


def _encoded(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str | Path):
        return _read(Path(value))
    if isinstance(value, dict):
        if value.get("bytes"):
            return bytes(value["bytes"])
        if value.get("path"):
            return _read(Path(value["path"]))
    if hasattr(value, "save"):
        buffer = io.BytesIO()
        value.save(buffer, format="PNG")
        return buffer.getvalue()
    raise DatasetError(f"a {type(value).__name__} is not an image")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read image {path}: {error.strerror}") from error


def _mime(content: bytes) -> str:
    for signature, mime in _SIGNATURES.items():
        if content.startswith(signature):
            return mime
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    raise DatasetError("the image is neither PNG, JPEG, GIF nor WebP")
