"""Decoded images: their identity and their lossless file.

The file is made without holding up other threads: the library that decodes images
makes smaller ones, in several times the time.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from typing import Any

# What PNG can hold as it is, and what is written here: with how many bytes a pixel, and
# what the format calls it (ISO 15948, section 11.2.2).
_PNG_MODES = frozenset({"1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA"})
_COLOUR_TYPES = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UP = 2


_WITH_ALPHA = frozenset({"LA", "RGBA", "PA", "La", "RGBa"})
_SIXTEEN_BITS = "I;16"
_BYTE = 8


def has_alpha(image: Any) -> bool:
    """Tell whether a PIL image has something to see through."""
    return image.mode in _WITH_ALPHA or "transparency" in image.info


def on_white(image: Any) -> Any:
    """Lay a PIL image that one can see through on white, as RGB."""
    from PIL import Image

    image = image.convert("RGBA")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def in_rgb(image: Any) -> Any:
    """Bring a PIL image of any colours into RGB; what shows through it is white."""
    if image.mode == "RGB" and not has_alpha(image):
        return image
    if image.mode.startswith(_SIXTEEN_BITS):
        image = _of_bytes(image)
    return on_white(image) if has_alpha(image) else image.convert("RGB")


def _of_bytes(image: Any) -> Any:
    """Take the upper half of 16 bits: the library would cut off all that is bright."""
    import numpy as np
    from PIL import Image

    return Image.fromarray((np.asarray(image) >> _BYTE).astype(np.uint8))


def pixels_hash(image: Any) -> str:
    """Hash a PIL image by mode, size and pixels, as SHA-256 in hexadecimal."""
    digest = hashlib.sha256(f"{image.mode} {image.size}".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def png_of(image: Any) -> bytes:
    """Encode a PIL image as PNG; colours that PNG does not have become RGB."""
    if image.mode in _COLOUR_TYPES and "transparency" not in image.info:
        return _png(image)
    if image.mode not in _PNG_MODES:
        return _png(image.convert("RGB"))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def _png(image: Any) -> bytes:
    """Write rows as their differences from the row above, compressed a little."""
    import numpy as np

    width, height = image.size
    pixels = np.asarray(image).reshape(height, -1)
    rows = np.empty((height, pixels.shape[1] + 1), np.uint8)
    rows[:, 0] = _UP
    rows[:1, 1:] = pixels[:1]
    np.subtract(pixels[1:], pixels[:-1], out=rows[1:, 1:])
    kind = _COLOUR_TYPES[image.mode]
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            *_chunk(b"IHDR", header),
            *_chunk(b"IDAT", zlib.compress(rows.data, 1)),
            *_chunk(b"IEND", b""),
        )
    )


def _chunk(name: bytes, content: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    check = zlib.crc32(content, zlib.crc32(name))
    return struct.pack(">I", len(content)), name, content, struct.pack(">I", check)
