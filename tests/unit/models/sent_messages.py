"""What becomes of messages on their way to an endpoint."""

from __future__ import annotations

import asyncio
import base64
import io
from typing import Any

from pytest_evalkit.messages import MediaPart, Message
from pytest_evalkit.models.formats import (
    MessageFormat,
    MessageSettings,
    PreparedMessages,
)


def prepared(*messages: Message, **settings: Any) -> PreparedMessages:
    async def prepare() -> PreparedMessages:
        writing = MessageFormat(MessageSettings(**settings))
        try:
            return await writing.prepare(messages)
        finally:
            await writing.aclose()

    return asyncio.run(prepare())


def sent(part: MediaPart, **settings: Any) -> list[dict[str, Any]]:
    """Send one medium; say what becomes of it."""
    (message,) = prepared(Message("user", (part,)), **settings).messages
    content: list[dict[str, Any]] = message["content"]
    return content


def image_of(said: dict[str, Any]) -> Any:
    """Decode an image that was sent, which is what it says it is."""
    from PIL import Image

    head, text = said["image_url"]["url"].split(",")
    image = Image.open(io.BytesIO(base64.b64decode(text)))
    assert head == f"data:{Image.MIME[str(image.format)]};base64"
    return image
