from __future__ import annotations

import io
from typing import Any

import pytest

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages import ImageSource, rgb_image

np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")

_TURNED = 6  # of the EXIF orientation: the camera was held a quarter to the left


def _file(image: Any, kind: str = "png", **how: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **how)
    return buffer.getvalue()


def _photograph() -> bytes:
    """Write two pixels side by side, to be turned a quarter to the right."""
    image = Image.new("RGB", (2, 1), "red")
    image.putpixel((1, 0), (0, 0, 255))
    exif = Image.Exif()
    exif[0x0112] = _TURNED
    return _file(image, exif=exif)


def test_a_photograph_is_turned_as_its_camera_was_held() -> None:
    image = rgb_image(ImageSource.of(_photograph()))

    assert image.size == (1, 2)
    assert [image.getpixel((0, row)) for row in range(2)] == [(255, 0, 0), (0, 0, 255)]


@pytest.mark.parametrize("is_file", [True, False])
def test_what_shows_through_is_white(is_file: bool) -> None:
    clear = Image.new("RGBA", (2, 1), (10, 20, 30, 0))
    clear.putpixel((1, 0), (10, 20, 30, 255))
    source = ImageSource.of(_file(clear) if is_file else clear)

    image = rgb_image(source)

    assert image.mode == "RGB"
    assert image.getpixel((0, 0)) == (255, 255, 255)
    assert image.getpixel((1, 0)) == (10, 20, 30)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA", "YCbCr"])
def test_every_kind_of_colours_becomes_rgb(mode: str) -> None:
    image = rgb_image(ImageSource.of(Image.new("RGB", (3, 2), "white").convert(mode)))

    assert (image.mode, image.size) == ("RGB", (3, 2))
    assert min(image.getpixel((2, 1))) >= 254


def test_sixteen_bits_are_halved_and_not_cut_off() -> None:
    wide = Image.fromarray(np.array([[0, 0x0100, 0x8000, 0xFFFF]], np.uint16))

    image = rgb_image(ImageSource.of(_file(wide)))

    assert np.asarray(image)[0, :, 0].tolist() == [0, 1, 128, 255]


def test_a_decoded_image_is_the_callers_own() -> None:
    pixels = Image.new("RGB", (1, 1), "red")
    source = ImageSource.of(pixels)

    rgb_image(source).putpixel((0, 0), (0, 0, 0))

    assert pixels.getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif"])
def test_a_truncated_image_is_told_with_its_place(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    content = _file(Image.fromarray(noise), kind)
    source = ImageSource.of(content[: len(content) // 2]).labelled("column 'pic'")

    with pytest.raises(DatasetError, match=r"^column 'pic': cannot decode the image: "):
        rgb_image(source)
