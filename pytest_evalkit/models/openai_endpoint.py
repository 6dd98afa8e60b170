"""What the backends for OpenAI-compatible endpoints have in common."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import OptionError, TransientModelError
from pytest_evalkit.messages import ImagePart
from pytest_evalkit.models.http import Transport
from pytest_evalkit.models.masking import masked, masked_url
from pytest_evalkit.models.openai_answer import Spoken, cut_at_stop, usage_of
from pytest_evalkit.values import Generate, Response, Timing

# The protocol's own bound; the rest of the stop texts is cut here.
_STOPS_SENT = 4
# Fields that would change the form of the answer.
_UNREADABLE = frozenset({"stream", "n"})
_PATHS = ("/chat/completions", "/completions")


@dataclass(kw_only=True, eq=False)
class OpenAIEndpoint(ABC):
    """A model behind an OpenAI-compatible endpoint.

    The generation settings are what a request gets that does not say otherwise.

    Attributes:
        model: The model to ask for.
        base_url: Where the API is, with or without the path of the method at its end.
        api_key: Sent as a bearer token; None for the variable OPENAI_API_KEY, and
            without that none is sent.
        max_tokens: The most tokens to generate.
        max_tokens_field: What the endpoint calls that; OpenAI's own reasoning models
            want ``max_completion_tokens``.
        temperature: Zero for the most likely text; None for the endpoint's choice.
        top_p: Share of the probability mass to draw from; None for the endpoint's
            choice.
        seed: Seed of the endpoint's draws; the n-th repeat of a question gets the seed
            plus n, lest all repeats be the same. None sends none.
        headers: Sent with every request; they replace ours of the same name.
        extra_body: Further fields of every request, as the endpoint calls them.
    """

    model: str
    base_url: str = "https://api.openai.com/v1"
    api_key: str | None = field(default=None, repr=False)
    max_tokens: int = 1024
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = 1234
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    extra_body: dict[str, Any] = field(default_factory=dict, repr=False)

    path: ClassVar[str]
    _transport: Transport = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Settle the URL and the key.

        Raises:
            OptionError: ``base_url`` is no HTTP URL, or a setting makes no sense.
        """
        self.base_url = _root(self.base_url)
        if self.max_tokens < 1:
            raise OptionError(f"max_tokens must be at least 1, got {self.max_tokens}")
        for name in _UNREADABLE & self.extra_body.keys():
            raise OptionError(
                f"extra_body may not set {name!r}: one whole answer is read"
            )
        self._transport = Transport(
            url=self.base_url + self.path,
            model=self.model,
            headers=self._all_headers(),
        )

    @property
    def model_name(self) -> str:
        """What the results call the model."""
        return self.model

    def describe(self) -> Mapping[str, Any]:
        """Tell how answers come about, secrets masked."""
        settings = {
            named.name: getattr(self, named.name)
            for named in dataclasses.fields(self)
            if named.init and named.name != "api_key"
        }
        settings["base_url"] = masked_url(self.base_url)
        return masked({**settings, "path": self.path})

    async def generate(self, request: Generate) -> Response:
        """Ask the endpoint once.

        Raises:
            TransientModelError: There is no answer; asking again may help.
            RequestRejectedError: The endpoint does not accept the request, or its
                answer has no text.
            ModelUnavailableError: The endpoint accepts no request from us.
        """
        body = await self._body(request)
        started_at = time.monotonic()
        answer = await self._transport.post(body)
        latency_s = time.monotonic() - started_at
        choice = _first_choice(answer)
        spoken = cut_at_stop(self._spoken(choice), request.parameters.stop)
        return Response(
            text=spoken.text,
            reasoning=spoken.reasoning,
            finish_reason=spoken.finish_reason,
            usage=usage_of(answer),
            timing=Timing(started_at=started_at, latency_s=latency_s),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    @abstractmethod
    def _prompt(self, request: Generate) -> dict[str, Any]:
        """Write what is said to the model as fields of the payload."""

    @abstractmethod
    def _spoken(self, choice: Mapping[str, Any]) -> Spoken:
        """Read the first choice of an answer."""

    def payload(self, request: Generate) -> dict[str, Any]:
        """Write the request as the endpoint is to see it.

        Raises:
            RequestRejectedError: The endpoint has no form for what is said.
        """
        asked = request.parameters
        seed = self.seed if asked.seed is None else asked.seed
        if seed is not None and request.origin is not None:
            seed += request.origin.repeat
        fields = {
            self.max_tokens_field: _chosen(asked.max_tokens, self.max_tokens),
            "temperature": _chosen(asked.temperature, self.temperature),
            "top_p": _chosen(asked.top_p, self.top_p),
            "top_k": asked.top_k,
            "stop": list(asked.stop[:_STOPS_SENT]) or None,
            "seed": seed,
        }
        said = {name: value for name, value in fields.items() if value is not None}
        return {
            "model": self.model,
            **self._prompt(request),
            **said,
            **self.extra_body,
            **asked.extra,
        }

    async def _body(self, request: Generate) -> bytes:
        if any(isinstance(p, ImagePart) for m in request.messages for p in m.parts):
            # Megabytes of base64 would hold up every other request of the loop.
            return await asyncio.to_thread(self._encoded, request)
        return self._encoded(request)

    def _encoded(self, request: Generate) -> bytes:
        return encode(self.payload(request))

    def _all_headers(self) -> dict[str, str]:
        key = self.api_key if self.api_key is not None else os.getenv("OPENAI_API_KEY")
        named = {name.lower() for name in self.headers}
        if not key or "authorization" in named:
            return dict(self.headers)
        return {"Authorization": f"Bearer {key}", **self.headers}


def _chosen(asked: float | None, default: float | None) -> float | None:
    return default if asked is None else asked


def _root(url: str) -> str:
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
        raise OptionError(
            f"base_url must be an http:// or https:// URL, got {masked_url(url)!r}"
        )
    url = url.rstrip("/")
    for path in _PATHS:
        url = url.removesuffix(path)
    return url


def _first_choice(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise TransientModelError(
            f"the endpoint's answer has no choices, only: {', '.join(sorted(answer))}"
        )
    return choices[0]
