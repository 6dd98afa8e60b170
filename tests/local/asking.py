"""Questions to tiny models, and asking many at once."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_evalkit.messages import (
    ImagePart,
    ImageSource,
    MediaPart,
    Message,
    TextPart,
)
from pytest_evalkit.models import make_backend
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    GenerationParameters,
    Loglikelihood,
    Request,
    Response,
)

# Small, so that the tiny models read them in moments.
PIXELS = {"min_pixels": 32 * 32, "max_pixels": 96 * 96}
COLOURS = ("red", "green", "blue", "black", "purple", "orange")


def made(name: str, folder: Path, **arguments: Any) -> Any:
    pixels = PIXELS if name.startswith("qwen") else {}
    return make_backend(name, {"pretrained": str(folder), **pixels, **arguments})


def picture(number: int) -> ImagePart:
    """Draw a picture whose size and colour tell it from others."""
    from PIL import Image

    size = (40 + 7 * number, 90 - 5 * number)
    image = Image.new("RGB", size, COLOURS[number % len(COLOURS)])
    image.paste("white", (number, 2 * number, 12 + number, 20 + number))
    stream = io.BytesIO()
    image.save(stream, format="PNG")
    return ImagePart(ImageSource.of_bytes(stream.getvalue()))


def question(text: str, *media: MediaPart, **parameters: Any) -> Generate:
    asked = {"max_tokens": 12, "temperature": 0.0, **parameters}
    return Generate(
        messages=(Message("user", (*media, TextPart(text))),),
        parameters=GenerationParameters(**asked),
    )


def texts(**parameters: Any) -> list[Generate]:
    """Ask sixteen questions of many lengths."""
    return [
        question(f"{n}: what colour is the square? " * (1 + n % 5), **parameters)
        for n in range(16)
    ]


def sights(**parameters: Any) -> list[Generate]:
    """Ask sixteen questions, some about one picture or two and some about none."""
    return [
        question(
            f"{n}: how many circles? " * (1 + n % 3),
            *(picture(n % 6 + k) for k in range(n % 4 if n % 4 < 3 else 0)),
            **parameters,
        )
        for n in range(16)
    ]


async def _all(backend: Any, requests: Sequence[Request]) -> list[AnyResponse]:
    try:
        return await asyncio.gather(*(_one(backend, one) for one in requests))
    finally:
        await backend.aclose()


async def _one(backend: Any, request: Request) -> AnyResponse:
    answered: AnyResponse
    if isinstance(request, Generate):
        answered = await backend.generate(request)
    elif isinstance(request, Loglikelihood):
        answered = await backend.loglikelihood(request)
    else:
        answered = await backend.rolling_loglikelihood(request)
    return answered


def ask_all(backend: Any, requests: Sequence[Request]) -> list[Any]:
    """Ask at once, and close the backend."""
    return asyncio.run(_all(backend, requests))


def ask(backend: Any, request: Request) -> Any:
    (response,) = ask_all(backend, [request])
    return response


def said(responses: Sequence[Response]) -> list[tuple[str, str | None, Any]]:
    """Give what must not depend on how questions are batched."""
    return [(one.text, one.finish_reason, one.usage) for one in responses]
