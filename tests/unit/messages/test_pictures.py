from __future__ import annotations

import base64
import io
from typing import Any

import pytest

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages import ImagePart, ImageSource, VideoPart
from pytest_evalkit.messages.frames import Frame, VideoFrames
from pytest_evalkit.messages.pictures import (
    Picture,
    depicted,
    full_pictures,
    small_pictures,
    some_frames,
)


def encoded(image: Any, kind: str) -> bytes:
    content = io.BytesIO()
    image.save(content, kind)
    return content.getvalue()


def new(mode: str, size: tuple[int, int], colour: Any = 0) -> Any:
    from PIL import Image

    return Image.new(mode, size, colour)


def decoded(picture: Picture) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(base64.b64decode(picture.content)))


def small(source: ImageSource) -> Any:
    (medium,) = depicted([ImagePart(source)])
    (picture,) = small_pictures(medium)
    assert picture.mime == "image/jpeg"
    return decoded(picture)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_an_image_is_made_small_and_keeps_its_shape(kind: str) -> None:
    image = new("RGB", (640, 320), "red")

    made = small(ImageSource.of(encoded(image, kind)))

    assert made.size == (160, 80)
    red, green, blue = made.getpixel((80, 40))
    assert red > 240
    assert green < 15
    assert blue < 15


def test_a_small_image_is_not_made_larger() -> None:
    assert small(ImageSource.of(new("RGB", (20, 10)))).size == (20, 10)


def test_what_shows_through_a_picture_is_white() -> None:
    made = small(ImageSource.of(new("RGBA", (20, 20), (0, 0, 0, 0))))

    assert made.getpixel((10, 10)) == (255, 255, 255)


def test_a_decoded_image_stays_as_it_was() -> None:
    image = new("RGB", (640, 320))

    small(ImageSource.of(image))

    assert image.size == (640, 320)


def test_an_image_in_full_is_the_file_itself() -> None:
    content = encoded(new("RGB", (640, 320), "red"), "PNG")
    (medium,) = depicted([ImagePart(ImageSource.of(content))])

    (picture,) = full_pictures(medium)

    assert picture.mime == "image/png"
    assert base64.b64decode(picture.content) == content


def test_a_format_that_browsers_do_not_know_becomes_png() -> None:
    content = encoded(new("RGB", (64, 32), "red"), "TIFF")
    (medium,) = depicted([ImagePart(ImageSource.of(content))])

    (picture,) = full_pictures(medium)

    assert picture.mime == "image/png"
    assert decoded(picture).size == (64, 32)


def test_frames_are_shown_with_their_times() -> None:
    frames = tuple(
        Frame(ImageSource.of(new("RGB", (8, 8), (n, 0, 0))), n / 2) for n in range(16)
    )

    shown = list(depicted([VideoPart(VideoFrames(frames))]))

    assert [medium.label for medium in shown] == [f"{n}.0 s" for n in range(8)]
    assert [one.sha256 for one in shown] == [
        frame.image.sha256 for frame in frames[::2]
    ]


def test_of_few_frames_all_are_shown() -> None:
    assert some_frames([1, 2, 3]) == [1, 2, 3]


def test_what_the_endpoint_fetches_has_no_picture() -> None:
    part = ImagePart(ImageSource.of("https://example.com/cat.png"))

    assert list(depicted([part])) == []


def test_what_cannot_be_decoded_is_an_error_of_ours() -> None:
    content = encoded(new("RGB", (64, 32)), "PNG")[:60]
    (medium,) = depicted([ImagePart(ImageSource.of(content))])

    with pytest.raises(DatasetError, match="cannot decode the image"):
        small_pictures(medium)
