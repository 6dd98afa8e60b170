"""Reading what clients of the OpenAI protocol ask; no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from pytest_evalkit.errors import DatasetError, RequestRejectedError
from pytest_evalkit.messages import (
    AudioPart,
    AudioSource,
    ImagePart,
    ImageSource,
    Message,
    Part,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    VideoPart,
    VideoSource,
)
from pytest_evalkit.values import Generate, GenerationParameters, Tool

Payload = Mapping[str, Any]

# What has a place of its own in a request, or says how the answer travels.
_READ = frozenset(
    {
        "echo",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "n",
        "prompt",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
        "user",
    }
)
_ROLES = {name: name for name in get_args(Role)} | {"developer": "system"}
_ADDRESSES = ("data:", "http://", "https://")


def chat_request(payload: Payload) -> Generate:
    """Read a request of ``/chat/completions``.

    Raises:
        RequestRejectedError: It is malformed, or asks for what is not served.
    """
    messages = payload.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RequestRejectedError("messages must be a list that is not empty")
    try:
        said = tuple(_message(message) for message in messages)
    except DatasetError as error:
        raise RequestRejectedError(str(error)) from error
    return Generate(
        messages=said, parameters=parameters_of(payload), tools=_tools(payload)
    )


def parameters_of(payload: Payload) -> GenerationParameters:
    """Read how to generate; what has no place of its own is the backend's to refuse.

    Raises:
        RequestRejectedError: A value is of the wrong kind, or several answers are
            asked for.
    """
    if payload.get("n") not in {None, 1}:
        raise RequestRejectedError("n must be 1: a request has one answer")
    most = _number(payload, "max_completion_tokens", int)
    return GenerationParameters(
        max_tokens=_number(payload, "max_tokens", int) if most is None else most,
        temperature=_number(payload, "temperature", float),
        top_p=_number(payload, "top_p", float),
        top_k=_number(payload, "top_k", int),
        stop=_stop(payload.get("stop")),
        seed=_number(payload, "seed", int),
        extra={
            name: value
            for name, value in payload.items()
            if name not in _READ and value is not None
        },
    )


def _number(payload: Payload, name: str, kind: Callable[[Any], Any]) -> Any:
    value = payload.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RequestRejectedError(f"{name} must be a number, got {value!r}")
    return kind(value)


def _stop(stop: Any) -> tuple[str, ...]:
    listed = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise RequestRejectedError(f"stop must be a text or a list of them, got {stop}")
    return tuple(listed)


def _tools(payload: Payload) -> tuple[Tool, ...]:
    if payload.get("tool_choice") not in {None, "auto"}:
        raise RequestRejectedError("tool_choice must be 'auto': the model chooses")
    return tuple(_tool(tool) for tool in payload.get("tools") or ())


def _tool(tool: Any) -> Tool:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise RequestRejectedError(f"not a function to call: {str(tool)[:80]}")
    return Tool(
        name=function["name"],
        description=function.get("description") or "",
        parameters=function.get("parameters") or {},
        is_strict=function.get("strict"),
    )


def _message(message: Any) -> Message:
    role = _ROLES.get(message.get("role")) if isinstance(message, dict) else None
    if role is None:
        raise RequestRejectedError(f"not a message: {str(message)[:80]}")
    content = message.get("content")
    if role == "tool":
        told = content if isinstance(content, str) else ""
        result = ToolResultPart(str(message.get("tool_call_id") or ""), told)
        return Message("tool", (result,))
    parts = [*_content(content), *map(_call, message.get("tool_calls") or ())]
    return Message(
        role,
        tuple(parts),
        name=_text(message, "name"),
        reasoning=_text(message, "reasoning_content"),
    )


def _text(message: Payload, name: str) -> str | None:
    text = message.get(name)
    if text is not None and not isinstance(text, str):
        raise RequestRejectedError(f"{name} must be a text, got {text!r}")
    return text


def _content(content: Any) -> list[Part]:
    if content is None:
        return []
    if isinstance(content, str):
        return [TextPart(content)]
    if not isinstance(content, list):
        raise RequestRejectedError("content must be a text or a list of parts")
    return [_part(part) for part in content]


def _part(part: Any) -> Part:
    kind = part.get("type") if isinstance(part, dict) else None
    read = _PARTS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise RequestRejectedError(
            f"not a part of a message: {str(part)[:80]}; valid: {', '.join(_PARTS)}"
        )
    try:
        return read(part)
    except (KeyError, TypeError) as error:
        raise RequestRejectedError(f"a part of type {kind} lacks {error}") from error


def _address(part: Payload, name: str) -> str:
    held = part[name]
    url = held["url"] if isinstance(held, dict) else held
    if not isinstance(url, str) or not url.startswith(_ADDRESSES):
        raise RequestRejectedError(
            f"{name} must be a data: URL, or an address that begins with http, got "
            f"{str(url)[:40]!r}"
        )
    return url


def _audio(part: Payload) -> AudioPart:
    held = part["input_audio"]
    return AudioPart(
        AudioSource.of(f"data:audio/{held['format']};base64,{held['data']}")
    )


_PARTS: Mapping[str, Callable[[Payload], Part]] = {
    "text": lambda part: TextPart(part["text"]),
    "image_url": lambda part: ImagePart(ImageSource.of(_address(part, "image_url"))),
    "input_audio": _audio,
    "audio_url": lambda part: AudioPart(AudioSource.of(_address(part, "audio_url"))),
    "video_url": lambda part: VideoPart(VideoSource.of(_address(part, "video_url"))),
}


def _call(call: Any) -> ToolCallPart:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise RequestRejectedError(f"not a tool call: {str(call)[:80]}")
    return ToolCallPart(
        str(call.get("id") or ""),
        str(function.get("name") or ""),
        str(function.get("arguments") or ""),
    )
