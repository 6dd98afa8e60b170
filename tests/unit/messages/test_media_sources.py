from __future__ import annotations

import base64
import hashlib
import io
import wave
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages import (
    AudioPart,
    AudioSource,
    ImagePart,
    ImageSource,
    VideoPart,
    VideoSource,
    media_part,
)

np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")

PNG = b"\x89PNG\r\n\x1a\n and the rest"
JPEG = b"\xff\xd8\xff and the rest"
WAV = b"RIFF....WAVE and the rest"


def test_bytes_a_path_and_a_cell_of_the_same_file_are_equal(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    cells = [{"bytes": PNG, "path": None}, {"bytes": None, "path": str(path)}]

    sources = [ImageSource.of(one) for one in (PNG, path, str(path), url, *cells)]

    assert len(set(sources)) == 1
    assert {source.sha256 for source in sources} == {hashlib.sha256(PNG).hexdigest()}
    assert {source.content for source in sources} == {PNG}
    assert {source.mime for source in sources} == {"image/png"}


def test_other_content_and_other_kinds_are_not_equal() -> None:
    assert ImageSource.of(PNG) != ImageSource.of(JPEG)
    assert ImageSource.of(PNG) != VideoSource.of(PNG)


def test_a_file_is_not_read_before_it_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    source = ImageSource.of(path)
    path.write_bytes(PNG)

    assert not source.is_identified
    assert source.content == PNG
    assert source.sha256 == hashlib.sha256(PNG).hexdigest()
    assert source.is_identified


def test_a_missing_file_is_told_by_name(tmp_path: Path) -> None:
    source = ImageSource.of(tmp_path / "absent.png")

    with pytest.raises(DatasetError, match=r"cannot read image .*absent\.png: No such"):
        _ = source.sha256


def test_a_file_that_is_no_image_is_told_when_it_is_identified(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"a text")

    with pytest.raises(DatasetError, match="neither PNG, JPEG"):
        _ = ImageSource.of(path).sha256


@pytest.mark.parametrize("value", [b"a text", 3, None, {"bytes": None, "path": None}])
def test_what_is_no_image_is_refused(value: Any) -> None:
    with pytest.raises(DatasetError, match=r"neither PNG|is no image"):
        ImageSource.of(value)


def test_pil_images_are_equal_by_their_pixels() -> None:
    red, again = (Image.new("RGB", (3, 2), "red") for _ in range(2))

    assert ImageSource.of(red) == ImageSource.of(again)
    assert ImageSource.of(red) != ImageSource.of(Image.new("RGB", (3, 2), "blue"))
    assert ImageSource.of(red) != ImageSource.of(Image.new("RGB", (2, 3), "red"))


def test_an_address_is_identified_by_itself_and_not_read() -> None:
    source = ImageSource.of("https://host/a.png?key=1")

    assert source.url == "https://host/a.png?key=1"
    assert source.sha256 == hashlib.sha256(b"https://host/a.png?key=1").hexdigest()
    with pytest.raises(DatasetError, match=r"image at https://host/a\.png needs"):
        _ = source.content


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("data:image/png,%89PNG%0D%0A%1A%0A", b"\x89PNG\r\n\x1a\n"),
        ("data:image/png;base64,iVBORw0KGgo=", b"\x89PNG\r\n\x1a\n"),
    ],
)
def test_data_urls_are_read(url: str, expected: bytes) -> None:
    assert ImageSource.of(url).content == expected


@pytest.mark.parametrize(
    ("url", "problem"),
    [("data:image/png;base64", "no comma"), ("data:;base64,a%", "not base64")],
)
def test_broken_data_urls_are_told(url: str, problem: str) -> None:
    with pytest.raises(DatasetError, match=problem):
        ImageSource.of(url)


def test_a_data_url_of_many_pieces_decodes_to_the_content() -> None:
    content = PNG + bytes(range(256)) * 2000

    head, text = ImageSource.of(content).data_url().split(",")

    assert head == "data:image/png;base64"
    assert base64.b64decode(text, validate=True) == content


def test_samples_become_a_wav_of_16_bits() -> None:
    samples = np.array([0.0, 1.0, -1.0, 0.5, 2.0])

    source = AudioSource.of({"array": samples, "sampling_rate": 8000, "path": None})

    with wave.open(io.BytesIO(source.content)) as file:
        assert (file.getnchannels(), file.getframerate()) == (1, 8000)
        found = np.frombuffer(file.readframes(9), "<i2").tolist()
    assert found == [0, 32767, -32767, 16384, 32767]
    assert source.mime == "audio/wav"


def test_channels_are_interleaved() -> None:
    samples = np.array([[1, 2], [3, 4]], np.int16)

    source = AudioSource.of({"array": samples, "sampling_rate": 8000})

    with wave.open(io.BytesIO(source.content)) as file:
        assert file.getnchannels() == 2
        assert np.frombuffer(file.readframes(9), "<i2").tolist() == [1, 3, 2, 4]


def test_a_sound_without_samples_is_told() -> None:
    source = AudioSource.of({"array": [], "sampling_rate": 8000})

    with pytest.raises(DatasetError, match="needs samples"):
        _ = source.content


@pytest.mark.parametrize(
    ("head", "kind", "mime"),
    [
        (PNG, ImagePart, "image/png"),
        (JPEG, ImagePart, "image/jpeg"),
        (b"GIF89a......", ImagePart, "image/gif"),
        (b"RIFF....WEBPVP8 ", ImagePart, "image/webp"),
        (b"BM..........", ImagePart, "image/bmp"),
        (b"MM\x00*........", ImagePart, "image/tiff"),
        (WAV, AudioPart, "audio/wav"),
        (b"ID3.........", AudioPart, "audio/mpeg"),
        (b"\xff\xfb..........", AudioPart, "audio/mpeg"),
        (b"\xff\xf1..........", AudioPart, "audio/aac"),
        (b"fLaC........", AudioPart, "audio/flac"),
        (b"OggS........", AudioPart, "audio/ogg"),
        (b"....ftypM4A ....", AudioPart, "audio/mp4"),
        (b"....ftypisom....", VideoPart, "video/mp4"),
        (b"....ftypqt  ....", VideoPart, "video/quicktime"),
        (b"\x1aE\xdf\xa3........", VideoPart, "video/webm"),
        (b"RIFF....AVI LIST", VideoPart, "video/x-msvideo"),
        (b"FLV.........", VideoPart, "video/x-flv"),
    ],
)
def test_bytes_are_told_by_their_beginning(head: bytes, kind: type, mime: str) -> None:
    for value in (head, {"bytes": head, "path": None}):
        part = media_part(value)

        assert isinstance(part, kind)
        assert getattr(part.source, "mime", None) == mime


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("a/b.jpg", ImagePart),
        (Path("b.unknown"), ImagePart),
        ("https://host/b.mp4", VideoPart),
        ({"bytes": None, "path": "b.flac"}, AudioPart),
        ({"array": [0.0], "sampling_rate": 1}, AudioPart),
        (Image.new("L", (1, 1)), ImagePart),
        (ImagePart(ImageSource.of(PNG)), ImagePart),
        (AudioSource.of(WAV), AudioPart),
        (VideoSource.of(b"FLV........."), VideoPart),
    ],
)
def test_what_is_not_read_yet_is_told_by_its_name(value: Any, kind: type) -> None:
    assert isinstance(media_part(value), kind)


def test_bytes_of_no_kind_are_no_medium() -> None:
    with pytest.raises(DatasetError, match="neither PNG"):
        media_part(b"a text that is long enough")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_a_png_of_any_colours_shows_the_same_pixels(mode: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 4), np.uint8)
    image = Image.fromarray(pixels, "RGBA")
    image = image.convert("L").convert(mode) if mode == "I;16" else image.convert(mode)

    with Image.open(io.BytesIO(ImageSource.of(image).content)) as found:
        expected = image.convert("RGB") if mode == "CMYK" else image
        assert found.size == (5, 7)
        assert found.convert("RGBA").tobytes() == expected.convert("RGBA").tobytes()


def test_a_png_keeps_the_colour_that_is_transparent() -> None:
    image = Image.new("RGB", (2, 2), "red")
    image.info["transparency"] = (255, 0, 0)

    with Image.open(io.BytesIO(ImageSource.of(image).content)) as found:
        assert found.convert("RGBA").getpixel((0, 0)) == (255, 0, 0, 0)
