from __future__ import annotations

import asyncio
import base64
import io
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.messages import (
    ImagePart,
    ImageSource,
    Message,
    TextPart,
)
from pytest_evalkit.mockserver import MockServer, serve_in_thread
from pytest_evalkit.models import make_backend
from pytest_evalkit.models.formats import (
    MessageFormat,
    MessageSettings,
    PreparedMessages,
)
from pytest_evalkit.values import Generate, Response
from tests.unit.models.sent_messages import image_of, prepared, sent

np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")


def sent_image(value: Any, **settings: Any) -> Any:
    (said,) = sent(ImagePart(ImageSource.of(value)), **settings)
    return image_of(said)


def noise(width: int, height: int) -> Any:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def file_of(image: Any, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_file_is_sent_as_it_is(kind: str) -> None:
    content = file_of(noise(8, 6), kind)

    (said,) = sent(ImagePart(ImageSource.of(content)))

    assert base64.b64decode(said["image_url"]["url"].split(",")[1]) == content


def test_a_file_that_endpoints_do_not_take_loses_nothing() -> None:
    image = noise(8, 6)

    found = sent_image(file_of(image, "BMP"), image_format="png")

    assert found.format == "PNG"
    assert found.tobytes() == image.tobytes()


def test_a_decoded_image_is_sent_as_png() -> None:
    image = noise(8, 6)

    found = sent_image(image)

    assert found.format == "PNG"
    assert found.tobytes() == image.tobytes()


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_images_are_sent_as_the_kind_that_is_asked_for(kind: str) -> None:
    for value in (noise(8, 6), file_of(noise(8, 6), "BMP")):
        found = sent_image(value, image_format=kind)

        assert found.format == kind.upper()
        assert found.size == (8, 6)


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_a_lower_quality_makes_a_smaller_file(kind: str) -> None:
    sizes = []
    for quality in (30, 95):
        part = ImagePart(ImageSource.of(noise(64, 64)))
        (said,) = sent(part, image_format=kind, image_quality=quality)
        sizes.append(len(said["image_url"]["url"]))

    assert sizes[0] < sizes[1] / 2


def test_what_is_transparent_is_white_in_a_jpeg() -> None:
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))

    found = sent_image(image, image_format="jpeg")

    assert found.getpixel((4, 4)) == (255, 255, 255)


def test_what_is_transparent_stays_so_where_the_kind_can() -> None:
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 128))

    assert sent_image(image).getpixel((4, 4)) == (255, 0, 0, 128)


def test_a_photograph_is_turned_as_its_camera_was_held() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by a quarter
    content = file_of(noise(8, 6), "JPEG", exif=exif)

    assert sent_image(content, image_format="png").size == (6, 8)


def test_a_large_image_is_made_smaller_until_it_fits_and_it_is_said() -> None:
    limit_mb = 0.05
    part = ImagePart(ImageSource.of(noise(300, 200)))
    message = Message("user", (part, TextPart("What?")))

    said = prepared(message, max_size_in_mb=limit_mb)

    url = said.messages[0]["content"][0]["image_url"]["url"]
    content = base64.b64decode(url.split(",")[1])
    image = Image.open(io.BytesIO(content))
    assert len(content) <= limit_mb * 2**20
    assert image.width / image.height == pytest.approx(1.5, abs=0.02)
    assert len(content) > limit_mb * 2**20 / 2
    (note,) = said.notes
    assert note == (
        f"an image of 300x200 was sent as png of {image.width}x{image.height}, "
        f"{len(content)} bytes"
    )


def test_a_large_file_keeps_its_kind() -> None:
    content = file_of(noise(300, 200), "JPEG", quality=95)

    found = sent_image(content, max_size_in_mb=0.02)

    assert found.format == "JPEG"
    assert found.width < 300


def test_an_image_within_the_limit_is_not_touched() -> None:
    part = ImagePart(ImageSource.of(noise(30, 20)))

    assert prepared(Message("user", (part,)), max_size_in_mb=0.05).notes == ()


def test_too_small_a_limit_is_told() -> None:
    part = ImagePart(ImageSource.of(noise(3, 2)))

    with pytest.raises(RequestRejectedError, match="no image is as small as 10 bytes"):
        sent(part, max_size_in_mb=0.00001)


def test_pixels_are_bounded() -> None:
    for value in (noise(300, 200), file_of(noise(300, 200), "JPEG")):
        assert sent_image(value, image_max_pixels=600).size == (30, 20)
        assert sent_image(value, image_max_pixels=60_000).size == (300, 200)


def test_an_address_is_left_to_the_endpoint() -> None:
    part = ImagePart(ImageSource.of("https://host/a.png"))

    (said,) = sent(part, image_format="jpeg", image_max_pixels=4)

    assert said == {"type": "image_url", "image_url": {"url": "https://host/a.png"}}


def test_a_broken_image_is_told() -> None:
    content = file_of(noise(64, 64), "BMP")[:200]

    with pytest.raises(RequestRejectedError, match="cannot decode the image"):
        sent(ImagePart(ImageSource.of(content)))


def test_an_image_is_read_once_for_all_its_questions(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(file_of(noise(4, 4), "PNG"))
    part = ImagePart(ImageSource.of(path))
    questions = [Message("user", (part, TextPart(f"Q{n}"))) for n in range(2)]

    async def ask_twice() -> list[PreparedMessages]:
        writing = MessageFormat(MessageSettings())
        first = await writing.prepare(questions[:1])
        path.unlink()
        second = await writing.prepare(questions[1:])
        await writing.aclose()
        return [first, second]

    said = [one.messages[0]["content"] for one in asyncio.run(ask_twice())]

    assert said[0][0] == said[1][0]
    assert [content[1]["text"] for content in said] == ["Q0", "Q1"]


def test_a_missing_file_is_the_fault_of_its_request(tmp_path: Path) -> None:
    part = ImagePart(ImageSource.of(tmp_path / "absent.png"))

    with pytest.raises(RequestRejectedError, match=r"cannot read image .*absent\.png"):
        sent(part)


def test_large_bodies_reach_the_server_whole_and_notes_come_back() -> None:
    image = noise(1024, 1024)
    asked: list[dict[str, Any]] = []
    parts = (ImagePart(ImageSource.of(image)), TextPart("What?"))

    def reply(payload: dict[str, Any]) -> str:
        asked.append(payload)
        return "Noise."

    async def ask(url: str) -> Response:
        backend = make_backend(
            "openai",
            {
                "model": "m",
                "base_url": url,
                "max_size_in_mb": 2,
                "system_prompt": "Hm.",
            },
        )
        try:
            return await backend.generate(Generate(messages=(Message("user", parts),)))
        finally:
            await backend.aclose()

    with serve_in_thread(MockServer(reply)) as server:
        response = asyncio.run(ask(server.url))

    system, question = asked[0]["messages"]
    found = image_of(question["content"][0])
    assert system == {"role": "system", "content": "Hm."}
    assert found.width < 1024
    assert response.text == "Noise."
    assert [note.partition(" ")[0] for note in response.notes] == ["the", "an"]
