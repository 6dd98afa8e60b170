from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages import ImageSource

_PNG = b"\x89PNG\r\n\x1a\n and the rest"


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        (_PNG, "image/png"),
        (b"\xff\xd8\xff\xe0 and the rest", "image/jpeg"),
        (b"GIF89a and the rest", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_the_kind_of_an_image_is_told_by_its_first_bytes(
    content: bytes, mime: str
) -> None:
    source = ImageSource.of_bytes(content)

    assert source.mime == mime
    assert source.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("content", [b"", b"no image", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_kind_of_image_is_told(content: bytes) -> None:
    with pytest.raises(DatasetError, match="neither PNG, JPEG, GIF, WebP"):
        ImageSource.of_bytes(content)


def test_an_image_is_taken_from_every_form_that_data_sets_hold(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(_PNG)
    forms: list[Any] = [
        _PNG,
        path,
        str(path),
        {"bytes": _PNG, "path": "elsewhere.png"},
        {"bytes": None, "path": str(path)},
    ]

    assert {ImageSource.of(form) for form in forms} == {ImageSource.of_bytes(_PNG)}


def test_a_decoded_image_loses_nothing() -> None:
    from PIL import Image

    image = Image.new("RGBA", (3, 2), (220, 40, 40, 7))

    source = ImageSource.of(image)

    with Image.open(io.BytesIO(source.content)) as again:
        assert source.mime == "image/png"
        assert again.size == (3, 2)
        assert again.getpixel((2, 1)) == (220, 40, 40, 7)


@pytest.mark.parametrize("value", [7, None, {"bytes": None, "path": None}, [_PNG]])
def test_what_is_no_image_is_told(value: Any) -> None:
    with pytest.raises(DatasetError, match="is no image"):
        ImageSource.of(value)


def test_an_image_that_is_not_there_is_told(tmp_path: Path) -> None:
    source = ImageSource.of(tmp_path / "gone.png")

    with pytest.raises(DatasetError, match=r"cannot read image .*gone\.png: No such"):
        _ = source.content


def test_a_data_url_holds_the_whole_file() -> None:
    head, _, body = ImageSource.of_bytes(_PNG).data_url().partition(",")

    assert head == "data:image/png;base64"
    assert base64.b64decode(body) == _PNG
