"""Requests to a model and its responses: frozen values that do no work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_evalkit.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationParameters:
    """How a text is to be generated; None leaves the choice to the model.

    Attributes:
        max_tokens: The most tokens to generate.
        temperature: Zero for the most likely text.
        top_p: Share of the probability mass to draw from, above 0, up to 1.
        top_k: How many of the likeliest tokens to draw from.
        stop: Texts that end the generation; they are not part of the answer.
        seed: Seed of the model's own draws.
        extra: Whatever else the task asks for, by the name it uses.
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request comes from; never sent to an endpoint.

    Backends that do not think (recorded answers, the target itself) answer from it.

    Attributes:
        task: Name of the task.
        doc_id: Position of the document in its split, from zero.
        doc: The document as the task sees it.
        target: The expected answer in whatever form the task gives it, or None.
        ideal: How a perfect answer reads, or None where it reads as the target does.
        choices: The answers to choose from; empty where the question is open.
        repeat: Which of several draws of the same question, from zero.
    """

    task: str
    doc_id: int
    doc: Mapping[str, Any]
    target: Any = None
    ideal: str | None = None
    choices: tuple[str, ...] = ()
    repeat: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Generate:
    """Ask a model to continue a conversation.

    Attributes:
        messages: What has been said, in order; at least one.
        parameters: How to generate.
        origin: The document that asks, or None outside a task.
    """

    messages: tuple[Message, ...]
    parameters: GenerationParameters = GenerationParameters()
    origin: Origin | None = None


Request = Generate


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens that a response cost, as the endpoint counted them.

    Attributes:
        input_tokens: Tokens of the prompt, or None where not told.
        output_tokens: Tokens generated, reasoning included, or None.
        reasoning_tokens: The part of ``output_tokens`` that was reasoning, or None.
        cached_tokens: The part of ``input_tokens`` read from a cache, or None.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When one successful attempt ran.

    Attributes:
        started_at: Seconds of a monotonic clock when the request was sent.
        latency_s: Seconds from sending it to having the whole answer.
    """

    started_at: float
    latency_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a model answered to one request.

    Attributes:
        text: The visible answer, exactly as received.
        reasoning: Thought that the endpoint sent apart from the text, or None.
        finish_reason: Why the generation ended (``stop``, ``length``, ...), or None.
        usage: Tokens, or None where the endpoint does not say.
        timing: When the successful attempt ran, or None where nothing was sent.
        attempts: How often the model was asked, at least one.
    """

    text: str
    reasoning: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    timing: Timing | None = None
    attempts: int = 1
