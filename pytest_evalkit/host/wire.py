"""Requests and responses between our own processes: all that the values hold.

The OpenAI protocol has no place for some of it, such as how likely a text is by the
model's own tokens, the part of a video to show, or more than four stop texts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Literal, NotRequired, TypedDict

from msgspec import structs

from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.host.media_wire import Wire, message_of, message_wire
from pytest_evalkit.messages import ToolCallPart
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    GenerationParameters,
    Loglikelihood,
    LoglikelihoodResponse,
    Origin,
    Recalled,
    Request,
    Response,
    RollingLoglikelihood,
    Timing,
    TokenLogprob,
    Tool,
    Usage,
)

WIRE_VERSION = 1
REQUESTS_PATH = "/evalkit/requests"
IDENTITY_PATH = "/evalkit/identity"
# A field of a request: whether the answer also describes the model.
ASKS_FOR_DESCRIPTION: Literal["asks_for_description"] = "asks_for_description"

_NO_DOCUMENT: Mapping[str, Any] = MappingProxyType({})


class OriginDict(TypedDict):
    """The document that asks, as far as a model may know it: never its target."""

    task: str
    doc_id: int
    repeat: int
    is_without_question: bool


class RequestDict(TypedDict):
    """A request.

    Attributes:
        version: The form of all this.
        kind: Which of the other fields are there.
        origin: The document that asks, or None.
        messages: What has been said.
        parameters: How to generate.
        tools: What may be called.
        context: What comes before a continuation.
        continuation: What is judged.
        text: What is judged as a whole.
        asks_for_description: Whether the answer also describes the model.
    """

    version: int
    kind: Literal["generate", "loglikelihood", "rolling"]
    origin: OriginDict | None
    messages: NotRequired[list[Wire]]
    parameters: NotRequired[Wire]
    tools: NotRequired[list[Wire]]
    context: NotRequired[str]
    continuation: NotRequired[str]
    text: NotRequired[str]
    asks_for_description: NotRequired[bool]


def request_dict(request: Request, media: Iterable[Wire] = ()) -> RequestDict:
    """Write a request.

    Args:
        request: The request.
        media: The media in its messages, in order, as ``medium_wire`` writes them.
    """
    origin = _origin_dict(request.origin)
    if isinstance(request, Loglikelihood):
        return {
            "version": WIRE_VERSION,
            "kind": "loglikelihood",
            "origin": origin,
            "context": request.context,
            "continuation": request.continuation,
        }
    if isinstance(request, RollingLoglikelihood):
        return {
            "version": WIRE_VERSION,
            "kind": "rolling",
            "origin": origin,
            "text": request.text,
        }
    written = iter(media)
    return {
        "version": WIRE_VERSION,
        "kind": "generate",
        "origin": origin,
        "messages": [message_wire(message, written) for message in request.messages],
        "parameters": _parameters_dict(request.parameters),
        "tools": [_tool_dict(tool) for tool in request.tools],
    }


def request_of(wire: Mapping[str, Any]) -> Request:
    """Read a request.

    Raises:
        RequestRejectedError: It has another version, or a part that is not known here.
        DatasetError: A medium in it is none.
    """
    if wire.get("version") != WIRE_VERSION:
        raise RequestRejectedError(
            f"a request of version {wire.get('version')!r}, and {WIRE_VERSION} is read "
            "here: use the same release of pytest-evalkit on both sides"
        )
    origin = _origin_of(wire["origin"])
    match wire["kind"]:
        case "loglikelihood":
            return Loglikelihood(
                context=wire["context"],
                continuation=wire["continuation"],
                origin=origin,
            )
        case "rolling":
            return RollingLoglikelihood(text=wire["text"], origin=origin)
    parameters = wire["parameters"]
    return Generate(
        messages=tuple(message_of(message) for message in wire["messages"]),
        parameters=GenerationParameters(
            **{**parameters, "stop": tuple(parameters["stop"])}
        ),
        tools=tuple(Tool(**tool) for tool in wire["tools"]),
        origin=origin,
    )


def response_dict(response: AnyResponse) -> dict[str, Any]:
    """Write a response."""
    written = {
        "version": WIRE_VERSION,
        "usage": response.usage and structs.asdict(response.usage),
        "timing": response.timing and structs.asdict(response.timing),
        "attempts": response.attempts,
        "notes": list(response.notes),
    }
    if isinstance(response, LoglikelihoodResponse):
        return written | {
            "kind": "loglikelihood",
            "logprob": _finite(response.logprob),
            "is_greedy": response.is_greedy,
            "n_tokens": response.n_tokens,
        }
    transcript = [message_wire(said, iter(())) for said in response.transcript]
    return written | {
        "kind": "response",
        "text": response.text,
        "reasoning": response.reasoning,
        "refusal": response.refusal,
        "tool_calls": [asdict(call) for call in response.tool_calls],
        "finish_reason": response.finish_reason,
        "logprobs": response.logprobs and [asdict(one) for one in response.logprobs],
        "transcript": transcript,
    }


def response_of(
    wire: Mapping[str, Any], recalled: Recalled | None = None
) -> AnyResponse:
    """Read a response.

    Args:
        wire: Its written form.
        recalled: What of it came from a response cache, which is not written.
    """
    usage = None if wire["usage"] is None else Usage(**wire["usage"])
    timing = None if wire["timing"] is None else _timing(wire["timing"])
    notes = tuple(wire["notes"])
    if wire["kind"] == "loglikelihood":
        return LoglikelihoodResponse(
            logprob=float(wire["logprob"]),
            is_greedy=wire["is_greedy"],
            n_tokens=wire["n_tokens"],
            usage=usage,
            timing=timing,
            attempts=wire["attempts"],
            notes=notes,
            recalled=recalled,
        )
    logprobs = wire["logprobs"]
    return Response(
        text=wire["text"],
        reasoning=wire["reasoning"],
        refusal=wire["refusal"],
        tool_calls=tuple(ToolCallPart(**call) for call in wire["tool_calls"]),
        finish_reason=wire["finish_reason"],
        logprobs=None if logprobs is None else tuple(map(_logprob, logprobs)),
        usage=usage,
        timing=timing,
        attempts=wire["attempts"],
        transcript=tuple(message_of(said) for said in wire["transcript"]),
        notes=notes,
        recalled=recalled,
    )


def _origin_dict(origin: Origin | None) -> OriginDict | None:
    if origin is None:
        return None
    return {
        "task": origin.task,
        "doc_id": origin.doc_id,
        "repeat": origin.repeat,
        "is_without_question": origin.is_without_question,
    }


def _origin_of(wire: OriginDict | None) -> Origin | None:
    return None if wire is None else Origin(doc=_NO_DOCUMENT, **wire)


def _parameters_dict(parameters: GenerationParameters) -> Wire:
    return {
        "max_tokens": parameters.max_tokens,
        "temperature": parameters.temperature,
        "top_p": parameters.top_p,
        "top_k": parameters.top_k,
        "stop": list(parameters.stop),
        "seed": parameters.seed,
        "extra": dict(parameters.extra),
    }


def _tool_dict(tool: Tool) -> Wire:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
        "is_strict": tool.is_strict,
    }


def _finite(number: float) -> float | str:
    """Write a number that JSON may not have, such as the logarithm of nothing."""
    return number if math.isfinite(number) else str(number)


def _timing(wire: Wire) -> Timing:
    spans = {name: tuple(wire[name]) for name in ("gaps_s", "turns_s")}
    return Timing(**{**wire, **spans})


def _logprob(wire: Wire) -> TokenLogprob:
    top = tuple((text, logprob) for text, logprob in wire["top"])
    return TokenLogprob(token=wire["token"], logprob=wire["logprob"], top=top)
