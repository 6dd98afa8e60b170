"""What the backends for OpenAI-compatible endpoints have in common."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

from msgspec import Struct

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import (
    OptionError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.models.backend import Identity
from pytest_evalkit.models.connection import Connection, azure_url, root_url
from pytest_evalkit.models.foreign_arguments import FOREIGN_ARGUMENTS
from pytest_evalkit.models.http import Transport, Wire
from pytest_evalkit.models.identity import deciding_settings
from pytest_evalkit.models.masking import masked, masked_url
from pytest_evalkit.models.openai_answer import Spoken, cut_at_stop, usage_of
from pytest_evalkit.models.openai_failure import AnswerReader
from pytest_evalkit.models.openai_sdk import SdkTransport
from pytest_evalkit.models.openai_stream import AnswerStream
from pytest_evalkit.models.pacing import Pacing
from pytest_evalkit.models.parameters import GROUPED, settings_of
from pytest_evalkit.models.sampling import Sampling
from pytest_evalkit.models.token_counting import Counting, TokenCounter
from pytest_evalkit.values import Generate, Response, Timing, Uncounted

# Fields that would change the form of the answer, and what to do in their place.
_RESERVED = {
    "stream": "stream= is an argument of the model",
    "n": "a request has one answer, --repeats asks several times",
}
_STREAMED: Mapping[str, Any] = {
    "stream": True,
    "stream_options": {"include_usage": True},
}
_PATHS = ("/chat/completions", "/completions")
# What of an answer's choice its tokens are counted by.
_COUNTED = ("message", "text", "finish_reason")


class PreparedBody(Struct, frozen=True):
    """A payload as it is sent.

    Attributes:
        body: Its JSON.
        notes: What was changed in the request on the way, in words for the record.
        is_text: Whether it is of texts alone.
    """

    body: bytes
    notes: tuple[str, ...] = ()
    is_text: bool = True


class Exchange(NamedTuple):
    """An answer as it came, or as if it had come whole, and when it did."""

    answer: dict[str, Any]
    timing: Timing


@dataclass(kw_only=True, eq=False)
class OpenAIEndpoint(ABC):
    """A model behind an OpenAI-compatible endpoint.

    Attributes:
        model: The model to ask for.
        base_url: Where the API is, with or without the path of the method at its end;
            None for the variable OPENAI_BASE_URL or OPENAI_API_BASE, and without those
            for OpenAI itself.
        stream: Whether answers come token by token, so that the first of them can be
            timed; ``auto`` where the run measures latency.
        extra_body: Further fields of every request, as the endpoint calls them.
        connection: How the endpoint is reached.
        sampling: Generation settings of a request that does not say otherwise.
        pacing: How fast the endpoint is asked.
        counting: What tokens are counted with that the endpoint does not tell of.
        stream_for_latency: True when the run measures latency.
    """

    argument_aliases: ClassVar[Mapping[str, str]] = {
        "model_version": "model",
        "pretrained": "model",
    }
    argument_remedies: ClassVar[Mapping[str, str]] = FOREIGN_ARGUMENTS

    model: str
    base_url: str | None = None
    stream: bool | Literal["auto"] = "auto"
    extra_body: dict[str, Any] = field(default_factory=dict, repr=False)
    connection: Connection = field(default_factory=Connection, metadata=GROUPED)
    sampling: Sampling = field(default_factory=Sampling, metadata=GROUPED)
    pacing: Pacing = field(default_factory=Pacing, metadata=GROUPED)
    counting: Counting = field(default_factory=Counting, metadata=GROUPED)

    path: ClassVar[str]
    stream_for_latency: bool = field(default=False, init=False)
    _root: str = field(init=False, repr=False)
    _transport: Wire = field(init=False, repr=False)
    _reader: AnswerReader = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Settle the URL and how to get there.

        Raises:
            OptionError: ``base_url`` is no HTTP URL, or a setting makes no sense.
        """
        self._root = (
            azure_url(self.base_url)
            if self.connection.is_azure
            else root_url(self.base_url, _PATHS)
        )
        for name, remedy in _RESERVED.items():
            if name in self.extra_body:
                raise OptionError(f"extra_body may not set {name!r}: {remedy}")
        url = self.connection.method_url(self._root, self.path, self.model)
        self._reader = AnswerReader(
            url=url,
            model=self.model,
            key_variable=self.connection.key_variable,
            secrets=self.connection.secrets(url),
        )
        make = SdkTransport if self.connection.client == "sdk" else Transport
        self._transport = make(url=url, model=self.model, connection=self.connection)

    @property
    def model_name(self) -> str:
        """What the results call the model."""
        return self.model

    @property
    def endpoint(self) -> str:
        """Where the API is; workers who ask the same one pause together."""
        return self._root

    @property
    def is_streaming(self) -> bool:
        """Whether the next answer comes token by token."""
        return self.stream_for_latency if self.stream == "auto" else self.stream

    def describe(self) -> Mapping[str, Any]:
        """Tell how answers come about, secrets masked."""
        settings = settings_of(self)
        del settings["api_key"]
        settings["base_url"] = masked_url(self._root)
        settings["stream"] = self.is_streaming
        proxy = self.connection.proxy
        settings["proxy"] = None if proxy is None else masked_url(proxy)
        return masked({**settings, "path": self.path})

    async def generate(self, request: Generate) -> Response:
        """Ask the endpoint once.

        Raises:
            TransientModelError: There is no answer; asking again may help.
            RequestRejectedError: The endpoint does not accept the request, or its
                answer has no text.
            ModelUnavailableError: The endpoint accepts no request from us.
        """
        prepared = await self._prepared(request)
        if self._streams(request):
            answer, timing = await self._streamed(prepared.body)
        else:
            started_at = time.monotonic()
            answer = await self._transport.post(prepared.body)
            timing = _since(started_at)
        choice = first_choice(answer)
        spoken = cut_at_stop(self._spoken(choice), request.parameters.stop)
        return Response(
            text=spoken.text,
            reasoning=spoken.reasoning,
            refusal=spoken.refusal,
            tool_calls=spoken.tool_calls,
            finish_reason=spoken.finish_reason,
            logprobs=spoken.logprobs,
            usage=usage_of(answer),
            timing=timing,
            notes=prepared.notes,
            uncounted=self._uncounted(
                prepared.body if prepared.is_text else None, choice
            ),
        )

    @property
    def counts_tokens(self) -> bool:
        """Whether tokens are to be counted here, too."""
        return self.counting.counting_tokenizer is not None

    def token_counter(self) -> TokenCounter | None:
        """Load what counts tokens; None where nothing is to.

        Raises:
            ModelUnavailableError: There is no such tokenizer.
            OptionError: The chat template is none.
        """
        return self.counting.counter()

    async def identity(self) -> Identity:
        """Tell what decides the answers: the model, whatever endpoint serves it."""
        facts = {"path": self.path, **deciding_settings(self)}
        if "temperature" in self.extra_body:
            fixed = self.extra_body["temperature"]
            return Identity(facts=facts, temperature=fixed, heeds_temperature=False)
        return Identity(facts=facts, temperature=self.sampling.temperature)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    @abstractmethod
    async def _prompt(self, request: Generate) -> dict[str, Any]:
        """Write what is said to the model as fields of the payload."""

    @abstractmethod
    def _spoken(self, choice: Mapping[str, Any]) -> Spoken:
        """Read the first choice of an answer."""

    def _generation(self, request: Generate) -> dict[str, Any]:
        """Write how to generate as fields of the payload."""
        return self.sampling.fields(request)

    async def payload(self, request: Generate) -> dict[str, Any]:
        """Write the request as the endpoint is to see it.

        Raises:
            RequestRejectedError: The endpoint has no form for what is said or asked.
        """
        return self._payload(request, await self._prompt(request))

    def _payload(self, request: Generate, prompt: dict[str, Any]) -> dict[str, Any]:
        extra = request.parameters.extra
        for name in extra:
            if name in _RESERVED:
                raise RequestRejectedError(
                    f"the task may not set {name!r} in its generation_kwargs: "
                    f"{_RESERVED[name]}"
                )
        return {
            "model": self.model,
            **prompt,
            **self._generation(request),
            **(_STREAMED if self._streams(request) else {}),
            **self.extra_body,
            **extra,
        }

    async def _prepared(self, request: Generate) -> PreparedBody:
        return PreparedBody(encode(await self.payload(request)))

    def _uncounted(
        self, payload: bytes | None, choice: Mapping[str, Any]
    ) -> Uncounted | None:
        """Keep what tokens are to be counted by; None where they are not."""
        if not self.counts_tokens:
            return None
        said = {name: choice[name] for name in _COUNTED if name in choice}
        return Uncounted(payload=payload, choice=said)

    def _streams(self, request: Generate) -> bool:
        """Tell whether an answer comes token by token: what the request says wins."""
        told = request.is_streamed
        return self.is_streaming if told is None else told

    async def _streamed(self, body: bytes) -> Exchange:
        """Send a payload, and wait for the whole of an answer that comes in pieces."""
        started_at = time.monotonic()
        stream = AnswerStream(started_at=started_at, broken_off=self._reader.broken_off)
        whole = await self._transport.stream(body, stream)
        if whole is not None:
            return Exchange(whole, _since(started_at))
        ended_at = time.monotonic()
        stream.close(ended_at)
        return Exchange(stream.answer(), stream.timing(ended_at))


def _since(started_at: float) -> Timing:
    """Time an answer that has just come whole."""
    return Timing(started_at=started_at, latency_s=time.monotonic() - started_at)


def first_choice(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take the choice that is read.

    Raises:
        TransientModelError: There is none.
    """
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise TransientModelError(
            f"the endpoint's answer has no choices, only: {', '.join(sorted(answer))}"
        )
    return choices[0]
