"""Reading the payload of a chat or completion request."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any


def last_user_text(payload: Mapping[str, Any]) -> str:
    """Say what the user said last; empty where nobody said a text.

    The prompt of a completion request counts as said by the user.
    """
    if "messages" not in payload:
        prompt = payload.get("prompt", "")
        return prompt if isinstance(prompt, str) else ""
    content = _last_user_content(payload)
    if isinstance(content, str):
        return content
    return "".join(
        part["text"]
        for part in content
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    )


def last_user_image(payload: Mapping[str, Any]) -> bytes | None:
    """Take the first image out of the last user message.

    Returns:
        The encoded file, or None where there is no image sent as a data URL.
    """
    content = _last_user_content(payload)
    if isinstance(content, str):
        return None
    for part in content:
        url = _image_url(part)
        if url.startswith("data:"):
            return _decoded(url)
    return None


def shows_image(payload: Mapping[str, Any]) -> bool:
    """Tell whether the last user message has an image, in whatever form."""
    content = _last_user_content(payload)
    return any(isinstance(part, dict) and "image_url" in part for part in content)


def _last_user_content(payload: Mapping[str, Any]) -> str | list[Any]:
    messages = payload.get("messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            content = message.get("content")
            return content if isinstance(content, str | list) else ""
    return ""


def _image_url(part: Any) -> str:
    image = part.get("image_url") if isinstance(part, dict) else None
    url = image.get("url") if isinstance(image, dict) else None
    return url if isinstance(url, str) else ""


def _decoded(url: str) -> bytes | None:
    try:
        return base64.b64decode(url.partition(",")[2], validate=True)
    except binascii.Error:
        return None
