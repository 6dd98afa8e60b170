"""Requests to a model and its responses: frozen values that do no work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Struct

from pytest_evalkit.messages import Message, ToolCallPart


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


class Origin(Struct, frozen=True, kw_only=True):
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
        is_without_question: Whether a choice is asked about alone, so that how likely
            it is by itself can be taken off.
        answer_form: How an answer is to be written, with ``{answer}`` in its place; None
            where it stands alone.
        turn: Which client turn of a conversation asks, from zero; None outside of one.
        calls: The tools that are expected to be called in that turn.
    """

    task: str
    doc_id: int
    doc: Mapping[str, Any]
    target: Any = None
    ideal: str | None = None
    choices: tuple[str, ...] = ()
    repeat: int = 0
    is_without_question: bool = False
    answer_form: str | None = None
    turn: int | None = None
    calls: tuple[ToolCallPart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that a model may call.

    Attributes:
        name: What the model calls it.
        description: What it does, in words for the model.
        parameters: JSON Schema of its arguments, which are one object.
        is_strict: Whether the endpoint is to hold the model to that schema; None leaves
            it to the endpoint.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    is_strict: bool | None = None


class Generate(Struct, frozen=True, kw_only=True):
    """Ask a model to continue a conversation.

    Attributes:
        messages: What has been said, in order; at least one.
        parameters: How to generate.
        tools: What the model may call; empty for nothing.
        is_streamed: Whether an endpoint is to send the answer token by token; None
            leaves that to whoever asks.
        origin: The document that asks, or None outside a task.
    """

    messages: tuple[Message, ...]
    parameters: GenerationParameters = GenerationParameters()
    tools: tuple[Tool, ...] = ()
    is_streamed: bool | None = None
    origin: Origin | None = None


class Loglikelihood(Struct, frozen=True, kw_only=True):
    """Ask how likely a model finds a continuation.

    Attributes:
        context: What comes before; may be empty.
        continuation: What is judged; at least one token.
        origin: The document that asks, or None outside a task.
    """

    context: str
    continuation: str
    origin: Origin | None = None


class RollingLoglikelihood(Struct, frozen=True, kw_only=True):
    """Ask how likely a model finds a whole text, however long.

    Attributes:
        text: What is judged, from its first token on.
        origin: The document that asks, or None outside a task.
    """

    text: str
    origin: Origin | None = None


LikelihoodRequest = Loglikelihood | RollingLoglikelihood
Request = Generate | LikelihoodRequest


class Usage(Struct, frozen=True, kw_only=True):
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


class Timing(Struct, frozen=True, kw_only=True):
    """When one successful attempt ran.

    Whatever is about single tokens is only known of an answer that was streamed. A
    fragment is what one event of the stream adds to the answer: a token or several.

    Attributes:
        started_at: Seconds of a monotonic clock when the request was sent.
        latency_s: Seconds from sending it to having the whole answer.
        ttft_s: Seconds from sending it to the first fragment of any kind (reasoning,
            text or tool call), or None.
        ttfo_s: Seconds from sending it to the first fragment of visible text, or None.
        gaps_s: Seconds between fragments, one less than there are fragments.
        n_chunks: Fragments of the answer, or None.
        bad_frames: Events of the stream that could not be read, or None.
        turns_s: Where tools were called: what ``latency_s`` was of each response, the
            last one included; else empty.
        planned_at: When the schedule of a load pattern wanted it sent, by the clock of
            ``started_at``; None where there is no schedule.
        waited_s: Seconds that it waited between attempts before this one.
    """

    started_at: float
    latency_s: float
    ttft_s: float | None = None
    ttfo_s: float | None = None
    gaps_s: tuple[float, ...] = ()
    n_chunks: int | None = None
    bad_frames: int | None = None
    turns_s: tuple[float, ...] = ()
    planned_at: float | None = None
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncounted:
    """A request and its answer as an endpoint has them, whose tokens are to be counted.

    Attributes:
        payload: What was sent, as JSON; None where media are part of it, of which a
            tokenizer of texts knows nothing.
        choice: What was answered, in the endpoint's own form.
    """

    payload: bytes | None
    choice: Mapping[str, Any]


TokenSource = Literal["server", "template", "text"]
"""Who counted the tokens of a request: the server; or here, after the run, by the chat
template of the model, or by the texts alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What was counted of one request, not by its server.

    Attributes:
        input_tokens: Tokens of the prompt; None where media are part of it.
        output_tokens: Tokens of the answer.
        source: How: ``text`` where any part of it was counted without a template.
        problem: Why a template that should have been used was not; None where it was,
            or there is none to be used.
    """

    input_tokens: int | None
    output_tokens: int
    source: TokenSource
    problem: str | None = None


class Exchange(Struct, frozen=True, kw_only=True):
    """One request of several that an answer took, where tools were called.

    Attributes:
        timing: When it ran, or None where the backend does not say.
        usage: Tokens, or None where the endpoint does not say.
        attempts: How often the model was asked.
        uncounted: As of a response.
    """

    timing: Timing | None
    usage: Usage | None
    attempts: int
    uncounted: Uncounted | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprob:
    """How likely a generated token was.

    Attributes:
        token: Its text, as the endpoint writes it.
        logprob: Natural logarithm of its probability.
        top: The likeliest tokens in its place with theirs, the likeliest first; empty
            unless asked for.
    """

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


class Recalled(Struct, frozen=True, kw_only=True):
    """What of a response was not asked for, but taken from the response cache.

    Attributes:
        requests: Requests that were answered from it, at least one.
        usage: Tokens that they cost when they were asked, which are part of those of
            the response; None where the endpoint did not say.
        latency_s: Seconds that they took then, all together; None where not timed.
    """

    requests: int
    usage: Usage | None = None
    latency_s: float | None = None


class Response(Struct, frozen=True, kw_only=True):
    """What a model answered to one request.

    Attributes:
        text: The visible answer, exactly as received.
        reasoning: Thought that the endpoint sent apart from the text, or None.
        refusal: The endpoint's own words for not answering, which are then the text
            too unless there is another; None where it did not refuse.
        tool_calls: What the model wants to have called, in order; its text is then
            often empty.
        finish_reason: Why the generation ended (``stop``, ``length``, ...), or None.
        logprobs: How likely each token of the text was; None unless asked for.
        usage: Tokens, or None where the endpoint does not say.
        timing: When the successful attempt ran, or None where nothing was sent.
        attempts: How often the model was asked; zero for an answer that was recalled.
        transcript: What was said between the question and this answer: tool calls and
            their results; empty where no tool was called.
        notes: What was changed in the request on its way, such as an image made
            smaller; empty where nothing was.
        recalled: What of it came from the response cache; None where all was asked.
        exchanges: Where tools were called, every request that was asked; else empty.
        uncounted: What to count its tokens by, once nobody waits any more; None where
            nobody counts but the endpoint.
    """

    text: str
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: tuple[ToolCallPart, ...] = ()
    finish_reason: str | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None
    usage: Usage | None = None
    timing: Timing | None = None
    attempts: int = 1
    transcript: tuple[Message, ...] = ()
    notes: tuple[str, ...] = ()
    recalled: Recalled | None = None
    exchanges: tuple[Exchange, ...] = ()
    uncounted: Uncounted | None = None


class LoglikelihoodResponse(Struct, frozen=True, kw_only=True):
    """How likely a model found a text.

    Attributes:
        logprob: Natural logarithm of the probability of all judged tokens together;
            zero or below.
        is_greedy: True when each judged token was the likeliest in its place.
        n_tokens: How many tokens were judged, or None where the model counts none.
        usage: Tokens, or None where the endpoint does not say.
        timing: When the successful attempt ran, or None where nothing was sent.
        attempts: How often the model was asked; zero for an answer that was recalled.
        notes: What was changed in the request on its way, such as a context cut;
            empty where nothing was.
        recalled: That it came from the response cache; None where it was asked.
    """

    logprob: float
    is_greedy: bool
    n_tokens: int | None = None
    usage: Usage | None = None
    timing: Timing | None = None
    attempts: int = 1
    notes: tuple[str, ...] = ()
    recalled: Recalled | None = None


AnyResponse = Response | LoglikelihoodResponse
