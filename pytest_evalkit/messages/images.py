"""Images as pixels: opened, turned upright, in the three colours that models take."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages.media import ImageSource
from pytest_evalkit.messages.pixels import in_rgb


def rgb_image(source: ImageSource) -> Any:
    """Decode an image as a model takes it.

    A photograph is turned as its camera was held, and what shows through is white. The
    image is the caller's own, and holds no file open.

    Returns:
        A PIL image in RGB.

    Raises:
        DatasetError: It cannot be read or decoded.
    """
    if source.decoded is not None:
        return in_rgb(upright(source.decoded)).copy()
    with opened_image(source.content) as image:
        image.load()
        return in_rgb(upright(image))


@contextmanager
def opened_image(content: bytes) -> Iterator[Any]:
    """Open an encoded image, telling whatever PIL finds wrong with it as ours.

    Raises:
        DatasetError: It cannot be decoded, then or while the context lasts.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            yield image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetError(f"cannot decode the image: {error}") from error


def upright(image: Any) -> Any:
    """Turn a photograph as its camera was held: its pixels alone do not tell."""
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)
