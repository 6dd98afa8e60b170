"""Requests as the response cache knows them: by what is asked, and of whom.

What has no part in the answer has none in the key: neither the task, the document's
number or path, nor the process, the order or the address.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from pytest_evalkit.codec import encode_canonical
from pytest_evalkit.host.wire import WIRE_VERSION
from pytest_evalkit.messages import MediaPart, message_dicts
from pytest_evalkit.models.backend import Identity
from pytest_evalkit.values import (
    Generate,
    GenerationParameters,
    Loglikelihood,
    Request,
    Tool,
)

# To be raised when a backend comes to ask otherwise for the same request: what was
# answered before is then not found any more.
KEY_VERSION = 1


class Question(NamedTuple):
    """A request to one backend.

    Attributes:
        key: 32 bytes that no other question has.
        asked: What is asked, as plain JSON values, media by their hashes.
    """

    key: bytes
    asked: Mapping[str, Any]


def identity_hash(identity: Identity) -> bytes:
    """Hash what decides the answers of a backend, and the form they are kept in.

    Raises:
        CodecError: A fact is no JSON value.
    """
    facts = [KEY_VERSION, WIRE_VERSION, asdict(identity)]
    return hashlib.sha256(encode_canonical(facts)).digest()


def question_of(request: Request, identity: bytes) -> Question:
    """Find out what a request asks.

    Args:
        request: Of any kind. Media of which the hash is not known are read.
        identity: What ``identity_hash`` gave for the backend.

    Raises:
        DatasetError: A medium cannot be read.
        CodecError: A parameter is no JSON value.
    """
    asked = asked_of(request)
    digest = hashlib.sha256(identity)
    digest.update(encode_canonical(asked))
    return Question(digest.digest(), asked)


def asked_of(request: Request) -> dict[str, Any]:
    """Write what a request asks as plain JSON values.

    Raises:
        DatasetError: A medium cannot be read.
    """
    repeat = 0 if request.origin is None else request.origin.repeat
    if isinstance(request, Generate):
        return {
            "kind": "generate",
            "messages": message_dicts(request.messages),
            "parameters": _parameters(request.parameters),
            "tools": [_tool(tool) for tool in request.tools],
            "repeat": repeat,
        }
    if isinstance(request, Loglikelihood):
        return {
            "kind": "loglikelihood",
            "context": request.context,
            "continuation": request.continuation,
            "repeat": repeat,
        }
    return {"kind": "rolling_loglikelihood", "text": request.text, "repeat": repeat}


def _tool(tool: Tool) -> dict[str, Any]:
    """Write a tool; without what is left to the endpoint, as keys always were."""
    return {name: value for name, value in asdict(tool).items() if value is not None}


def is_drawn(request: Request, identity: Identity) -> bool:
    """Whether asking again may give another answer, since its tokens are drawn.

    They are where the temperature is not zero, or left to an endpoint.
    """
    if not isinstance(request, Generate):
        return False
    parameters = request.parameters
    extra = parameters.extra
    if extra.get("do_sample"):
        return True
    if "temperature" in extra:
        return bool(extra["temperature"] != 0)
    told = parameters.temperature
    if told is None or not identity.heeds_temperature:
        told = identity.temperature
    return told != 0


def unread_media(request: Request) -> Iterable[MediaPart]:
    """List the media whose hash is not known, so that finding it takes a while."""
    if not isinstance(request, Generate):
        return []
    return [
        part
        for message in request.messages
        for part in message.media
        if not part.source.is_identified
    ]


def _parameters(parameters: GenerationParameters) -> dict[str, Any]:
    return {
        "max_tokens": parameters.max_tokens,
        "temperature": _as_float(parameters.temperature),
        "top_p": _as_float(parameters.top_p),
        "top_k": parameters.top_k,
        "stop": parameters.stop,
        "seed": parameters.seed,
        "extra": parameters.extra,
    }


def _as_float(number: float | None) -> float | None:
    """Write 0 and 0.0 alike: a task says the one, Python code often the other."""
    return None if number is None else float(number)
