"""The seam between the engine and whatever answers."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from pytest_evalkit.errors import ModelUnavailableError
from pytest_evalkit.values import (
    AnyResponse,
    Counted,
    Generate,
    GenerationParameters,
    Loglikelihood,
    LoglikelihoodResponse,
    Request,
    Response,
    RollingLoglikelihood,
    Uncounted,
)


@runtime_checkable
class Backend(Protocol):
    """Answers requests; one attempt each, without retries of its own.

    A backend is constructed by keyword arguments alone; their names and annotations
    are what ``--model-args`` may say. Construction opens no connection.
    """

    @property
    def model_name(self) -> str:
        """What the results call the model, such as ``gpt-5`` or ``oracle``."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """Tell how answers come about: plain JSON values, secrets masked."""
        ...

    async def generate(self, request: Generate) -> Response:
        """Answer one request.

        Raises:
            TransientModelError: There is no answer; asking again may help.
            RequestRejectedError: There is no answer, nor will there be.
            ModelUnavailableError: No request will be answered.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections and processes; called once, may find none."""
        ...


@runtime_checkable
class LoglikelihoodBackend(Protocol):
    """What a backend has besides that can tell how likely it finds a text.

    Both methods answer once, without retries, and raise what ``generate`` raises.
    """

    async def loglikelihood(self, request: Loglikelihood) -> LoglikelihoodResponse:
        """Tell how likely the continuation is after the context."""
        ...

    async def rolling_loglikelihood(
        self, request: RollingLoglikelihood
    ) -> LoglikelihoodResponse:
        """Tell how likely the whole text is."""
        ...


@runtime_checkable
class DrawingBackend(Protocol):
    """What a backend has besides that can do visual chain of thought.

    The text of such a task says what to draw, between ``[GEN_PROMPT]`` and
    ``[/GEN_PROMPT]``, and what to answer with the picture in view, between
    ``[QUESTION]`` and ``[/QUESTION]``.

    Attributes:
        draws_images: True where ``generate`` does the one and then the other, or where
            its answers do not come from a model that would have to.
    """

    draws_images: bool


@runtime_checkable
class SpeakerlessBackend(Protocol):
    """What a backend has besides that knows no speakers: it continues a text.

    Attributes:
        knows_no_speakers: True where all messages are joined to one text.
    """

    knows_no_speakers: bool


@runtime_checkable
class RatingBackend(Protocol):
    """What a backend is besides that rates texts and writes none: a judge.

    Attributes:
        rates_texts: True where ``generate`` answers the text of the last message by a
            number from 0 to 1, written as a float is.
    """

    rates_texts: bool


@runtime_checkable
class StreamingBackend(Protocol):
    """What a backend has besides that can tell when the first token came.

    Attributes:
        stream_for_latency: Set to True where the run measures latency: answers then
            come token by token, and their Timing says when, unless the user forbade it.
    """

    stream_for_latency: bool


class Counter(Protocol):
    """Counts tokens that an endpoint does not tell of."""

    def count(self, uncounted: Uncounted) -> Counted:
        """Count the tokens of a request and of its answer; may take a while."""
        ...


@runtime_checkable
class CountingBackend(Protocol):
    """What a backend has besides that can have tokens counted after the run.

    Attributes:
        counts_tokens: True where the user wants it: responses then say what to count
            (``uncounted``).
    """

    @property
    def counts_tokens(self) -> bool:
        """Whether the user wants it."""
        ...

    def token_counter(self) -> Counter | None:
        """Load what counts; None where nothing is to be counted.

        Raises:
            ModelUnavailableError: It cannot be loaded.
            OptionError: What the user says of it makes no sense.
        """
        ...


@runtime_checkable
class LoadingBackend(Protocol):
    """What a backend has besides whose model is loaded into the process that asks it.

    Attributes:
        is_local: Always True: such a model is loaded once for all workers of a run.
    """

    is_local: bool

    async def load(self) -> None:
        """Load the model now, where the first request would; a second time nothing.

        Raises:
            ModelUnavailableError: It cannot be loaded.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What decides the answers of a backend, besides the request.

    Two backends of the same identity answer alike, wherever they run.

    Attributes:
        facts: Which model in which state, and every setting that has a part in what it
            answers, as plain JSON values. No address, path or credential is among them.
        temperature: That of requests which do not say; None where the model chooses.
        heeds_temperature: False where all requests have that one, whatever they say.
    """

    facts: Mapping[str, Any]
    temperature: float | None
    heeds_temperature: bool = True


@runtime_checkable
class IdentifiedBackend(Protocol):
    """What a backend has besides whose answers may be kept in a response cache."""

    async def identity(self) -> Identity:
        """Tell what decides its answers; the same as long as it lives.

        Raises:
            ModelError: It cannot be told, at least not now.
        """
        ...


class PromptToken(NamedTuple):
    """One token of a prompt.

    Attributes:
        text: How it reads.
        logprob: Natural logarithm of its probability after those before it; None for
            the first, before which nothing stands.
        top: The likeliest tokens in its place with theirs, the likeliest first; empty
            for the first.
    """

    text: str
    logprob: float | None
    top: tuple[tuple[str, float], ...] = ()


@runtime_checkable
class CompletionBackend(Protocol):
    """What a backend has besides that continues texts as they are, token by token.

    A prompt is a text, or token ids; nothing is put around either. All methods raise
    what ``generate`` raises.
    """

    async def complete(
        self, prompt: str | tuple[int, ...], parameters: GenerationParameters
    ) -> Response:
        """Continue a prompt."""
        ...

    async def prompt_logprobs(
        self, prompt: str | tuple[int, ...], top: int
    ) -> tuple[PromptToken, ...]:
        """Tell how likely each token of a prompt is, with so many of the likeliest."""
        ...

    async def tokenize(self, text: str, *, with_special: bool) -> tuple[int, ...]:
        """Split a text; with what the model expects around one, if that is asked for."""
        ...


def respond(backend: Backend, request: Request) -> Coroutine[Any, Any, AnyResponse]:
    """Put one request of whatever kind to a backend, once.

    Returns:
        A Response to ``Generate``, a LoglikelihoodResponse to the other two.

    Raises:
        ModelUnavailableError: The backend tells no log-likelihoods.
        ModelError: As the backend raises it.
    """
    if isinstance(request, Generate):
        return backend.generate(request)
    if not isinstance(backend, LoglikelihoodBackend):
        raise ModelUnavailableError(without_loglikelihoods(backend.model_name))
    if isinstance(request, Loglikelihood):
        return backend.loglikelihood(request)
    return backend.rolling_loglikelihood(request)


def without_identity(model: str) -> str:
    """Say that the answers of a model cannot be kept, and what to do."""
    return (
        f"model {model!r} does not tell what its answers depend on, so that none can be "
        "kept; leave out --use-cache, or give the backend an identity()"
    )


def without_loglikelihoods(model: str) -> str:
    """Say that a model tells no log-likelihoods, and what to do."""
    return (
        f"the task asks for log-likelihoods, which model {model!r} does not tell; use "
        "--model openai-completions with a server that echoes logprobs, or a task "
        "that lets the model write its answer (output_type: generate_until)"
    )


def rates_texts(backend: Backend) -> bool:
    """Tell whether a backend is told a text alone, and answers a number."""
    return isinstance(backend, RatingBackend) and backend.rates_texts
