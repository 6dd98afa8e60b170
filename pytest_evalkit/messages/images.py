"""Images as pixels: opened, turned upright, in the three colours that models take."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages.media import ImageSource, told_of
from pytest_evalkit.messages.pixels import in_rgb

# What ends a file that is whole; a few bytes of no meaning may follow it.
_ENDS = {"image/png": b"IEND\xaeB`\x82", "image/jpeg": b"\xff\xd9"}
_TAIL_BYTES = 64


def rgb_image(source: ImageSource) -> Any:
    """Decode an image as a model takes it.

    A photograph is turned as its camera was held, and what shows through is white. The
    image is the caller's own, and holds no file open.

    Returns:
        A PIL image in RGB.

    Raises:
        DatasetError: It cannot be read or decoded.
    """
    with told_of(source), image_of(source) as image:
        return in_rgb(upright(image)).copy()


@contextmanager
def image_of(source: ImageSource) -> Iterator[Any]:
    """Open an image with all of its pixels.

    Raises:
        DatasetError: It cannot be read or decoded.
    """
    if source.decoded is not None:
        with decoding_an_image():
            source.decoded.load()
        yield source.decoded
        return
    with opened_image(source.content) as image:
        image.load()
        yield image


@contextmanager
def opened_image(content: bytes) -> Iterator[Any]:
    """Open an encoded image, telling whatever PIL finds wrong with it as ours.

    Raises:
        DatasetError: It cannot be decoded, then or while the context lasts.
    """
    from PIL import Image

    with decoding_an_image(), Image.open(io.BytesIO(content)) as image:
        yield image


def require_whole_image(content: bytes, mime: str) -> None:
    """Refuse an image of which the end is missing.

    Only files without the mark that ends one are decoded to find out: many a camera
    leaves it out, and nothing is missing.

    Raises:
        DatasetError: It cannot be decoded to its end.
    """
    ends = _ENDS.get(mime)
    if ends is None or ends in content[-_TAIL_BYTES:]:
        return
    with opened_image(content) as image:
        image.load()


@contextmanager
def decoding_an_image() -> Iterator[None]:
    """Tell whatever PIL finds wrong with an image as ours.

    Raises:
        DatasetError: It found something while the context lasted.
    """
    from PIL import Image

    try:
        yield
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetError(f"cannot decode the image: {error}") from error


def upright(image: Any) -> Any:
    """Turn a photograph as its camera was held: its pixels alone do not tell."""
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)
