"""Images as they are sent: of the right kind, and no larger than allowed."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages import ImageSource
from pytest_evalkit.messages.frame_choice import fitted_size
from pytest_evalkit.messages.images import opened_image, require_whole_image, upright
from pytest_evalkit.messages.media import data_url
from pytest_evalkit.messages.pixels import has_alpha, on_white, png_of

ImageFormat = Literal["png", "jpeg", "webp", "original"]

# Kinds that endpoints take as they are.
_SENT_AS_THEY_ARE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_MIMES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
_WITHOUT_ALPHA = frozenset({"1", "L", "RGB"})
# Sizes of files do not follow their areas exactly.
_MARGIN = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRule:
    """What an image may be like when it is sent.

    Attributes:
        format: Its kind; ``original`` leaves a file as it is, and what is no file yet
            becomes PNG.
        quality: Of JPEG and WebP, from 1 to 100.
        max_bytes: The largest file.
        max_pixels: The most pixels, or None for any number.
    """

    format: ImageFormat
    quality: int
    max_bytes: int
    max_pixels: int | None


class SentImage(NamedTuple):
    """An image that is ready to be sent.

    Attributes:
        url: Its data URL.
        note: What was taken from it, or None where it lost no pixels.
    """

    url: str
    note: str | None


def encode_image(source: ImageSource, rule: ImageRule) -> SentImage:
    """Bring an image into the form in which it is sent.

    A file that is what the rule wants already is sent as it is.

    Raises:
        DatasetError: It cannot be read or decoded, or cannot be made small enough.
    """
    if source.decoded is not None:
        return encode_pixels(source.decoded, rule)
    content = source.content
    if _is_fit(source, content, rule):
        require_whole_image(content, source.mime)
        return SentImage(data_url(content, source.mime), None)
    with opened_image(content) as image:
        kind = _kind(image, source.mime, rule)
        return _encoded(upright(image), kind, rule)


def encode_pixels(image: Any, rule: ImageRule) -> SentImage:
    """Bring a decoded PIL image into the form in which it is sent.

    Raises:
        DatasetError: It cannot be made small enough.
    """
    kind = "png" if rule.format == "original" else rule.format
    return _encoded(image, kind, rule)


def _encoded(image: Any, kind: str, rule: ImageRule) -> SentImage:
    image = _in_colours_of(kind, image)
    size = image.size
    if rule.max_pixels is not None:
        size = fitted_size(image.width, image.height, 1, rule.max_pixels)
    content = _saved(image, size, kind, rule)
    while len(content) > rule.max_bytes:
        size = _smaller(size, len(content), rule.max_bytes)
        content = _saved(image, size, kind, rule)
    url = data_url(content, _MIMES[kind])
    if size == image.size:
        return SentImage(url, None)
    was, now = (f"{width}x{height}" for width, height in (image.size, size))
    return SentImage(
        url, f"an image of {was} was sent as {kind} of {now}, {len(content)} bytes"
    )


def _is_fit(source: ImageSource, content: bytes, rule: ImageRule) -> bool:
    wanted = _SENT_AS_THEY_ARE if rule.format == "original" else {_MIMES[rule.format]}
    if source.mime not in wanted or len(content) > rule.max_bytes:
        return False
    if rule.max_pixels is None:
        return True
    with opened_image(content) as image:
        return bool(image.width * image.height <= rule.max_pixels)


def _kind(image: Any, mime: str, rule: ImageRule) -> str:
    if rule.format != "original":
        return rule.format
    kinds = {known: kind for kind, known in _MIMES.items()}
    return kinds.get(mime) or ("png" if has_alpha(image) else "jpeg")


def _in_colours_of(kind: str, image: Any) -> Any:
    if image.mode in _WITHOUT_ALPHA:
        return image
    if not has_alpha(image):
        return image.convert("RGB")
    image = image.convert("RGBA")
    return image if kind != "jpeg" else on_white(image)


def _saved(image: Any, size: tuple[int, int], kind: str, rule: ImageRule) -> bytes:
    scaled = image if size == image.size else image.resize(size)
    if kind == "png":
        return png_of(scaled)
    # Only to a real file is the encoder let write without the interpreter's lock.
    with tempfile.TemporaryFile() as file:
        scaled.save(file, format=kind, quality=rule.quality)
        file.seek(0)
        return file.read()


def _smaller(size: tuple[int, int], length: int, max_bytes: int) -> tuple[int, int]:
    if size == (1, 1):
        raise DatasetError(f"no image is as small as {max_bytes} bytes")
    scale = _MARGIN * math.sqrt(max_bytes / length)
    return max(1, math.floor(size[0] * scale)), max(1, math.floor(size[1] * scale))
