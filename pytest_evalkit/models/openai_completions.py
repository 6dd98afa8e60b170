"""Models behind a text completions endpoint."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import ModelError, OptionError, RequestRejectedError
from pytest_evalkit.messages import text_of
from pytest_evalkit.models.backend import Identity
from pytest_evalkit.models.batching import Batching
from pytest_evalkit.models.completed import (
    Completed,
    Prompt,
    body_of,
    completions_in,
    cut_note,
)
from pytest_evalkit.models.connection import url_below
from pytest_evalkit.models.http import Transport
from pytest_evalkit.models.identity import content_of
from pytest_evalkit.models.likelihoods import Likelihoods
from pytest_evalkit.models.openai_answer import (
    Spoken,
    cut_at_stop,
    spoken_in_completion,
    usage_of,
)
from pytest_evalkit.models.openai_endpoint import OpenAIEndpoint, first_choice
from pytest_evalkit.models.parameters import GROUPED
from pytest_evalkit.models.server_tokenizer import ServerTokenizer
from pytest_evalkit.models.tokenizing import ChosenTokenizer, Tokenization
from pytest_evalkit.values import (
    Generate,
    Loglikelihood,
    LoglikelihoodResponse,
    Response,
    RollingLoglikelihood,
    Timing,
)


@dataclass(kw_only=True, eq=False)
class OpenAICompletions(OpenAIEndpoint):
    """Asks ``POST <base_url>/completions``; texts only.

    Tells log-likelihoods where the server echoes prompts with log-probabilities. Its
    arguments are those of OpenAIEndpoint, and how prompts are split and put together.

    Attributes:
        batch_size: The most prompts in one request: those that wait together go as
            one. The tokens that a batch cost count with the first of its prompts.
        tokenization: How prompts are split into tokens before they are sent.
    """

    batch_size: int = 1
    tokenization: Tokenization = field(default_factory=Tokenization, metadata=GROUPED)

    path: ClassVar[str] = "/completions"
    knows_no_speakers: ClassVar[bool] = True
    _tokenizer: ChosenTokenizer = field(init=False, repr=False)
    _server_tokenizer: ServerTokenizer = field(init=False, repr=False)
    _batching: Batching[Prompt, Completed] = field(init=False, repr=False)
    _likelihoods: Likelihoods = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Settle how prompts are split and put together.

        Raises:
            OptionError: The settings contradict each other, or one makes no sense.
        """
        super().__post_init__()
        if self.batch_size < 1:
            raise OptionError(f"batch_size must be at least 1, got {self.batch_size}")
        if self.batch_size > 1 and self.stream is True:
            raise OptionError(
                "stream=true sends one prompt at a time; leave out batch_size"
            )
        if self.batch_size > 1 and self.counts_tokens:
            raise OptionError(
                "counting_tokenizer counts request by request, and the tokens of a "
                "batch count with its first prompt; leave out one of the two"
            )
        self._server_tokenizer = ServerTokenizer(
            root=url_below(self._root, "", without="/v1"),
            model=self.model,
            transport=lambda url: Transport(
                url=url, model=self.model, connection=self.connection
            ),
        )
        self._tokenizer = ChosenTokenizer(
            self.tokenization, model=self.model, server=self._server_tokenizer
        )
        self._batching = Batching(self._send, size=self.batch_size)
        self._likelihoods = Likelihoods(
            ask=self._echoed,
            coming=self._batching.coming,
            tokenizer=self._tokenizer,
            settings=self.tokenization,
            at_once=self.batch_size,
        )

    @property
    def is_streaming(self) -> bool:
        """Whether the next answer comes token by token; batches come whole."""
        return self.batch_size == 1 and super().is_streaming

    async def generate(self, request: Generate) -> Response:
        """Ask the endpoint once.

        Raises:
            TransientModelError: There is no answer; asking again may help.
            RequestRejectedError: The endpoint does not accept the request, or its
                answer has no text.
            ModelUnavailableError: The endpoint accepts no request from us.
        """
        payload = await self.payload(request)
        prompt, notes = self._fitted(payload.pop("prompt"), payload.get("max_tokens"))
        if self._streams(request):
            body = body_of(encode(payload), (prompt,))
            answer, timing = await self._streamed(body)
            completed = Completed(first_choice(answer), usage_of(answer), timing)
        else:
            completed = await self._batching.ask(encode(payload), prompt)
        spoken = cut_at_stop(self._spoken(completed.choice), request.parameters.stop)
        return Response(
            text=spoken.text,
            finish_reason=spoken.finish_reason,
            usage=completed.usage,
            timing=completed.timing,
            notes=notes,
            uncounted=self._uncounted(encode({"prompt": prompt}), completed.choice)
            if self.counts_tokens
            else None,
        )

    async def loglikelihood(self, request: Loglikelihood) -> LoglikelihoodResponse:
        """Tell how likely the continuation is after the context.

        Raises:
            TransientModelError: There is no answer; asking again may help.
            RequestRejectedError: The endpoint does not accept the request, or its
                answer does not tell how likely the continuation is.
            ModelUnavailableError: The endpoint tells no log-likelihoods.
        """
        return await self._likelihoods.pair(request)

    async def rolling_loglikelihood(
        self, request: RollingLoglikelihood
    ) -> LoglikelihoodResponse:
        """Tell how likely the whole text is.

        Raises:
            TransientModelError: There is no answer; asking again may help.
            RequestRejectedError: The endpoint does not accept the request, or its
                answer does not tell how likely the text is.
            ModelUnavailableError: The endpoint tells no log-likelihoods.
        """
        return await self._likelihoods.text(request)

    async def identity(self) -> Identity:
        """Tell what decides the answers: the model, whatever endpoint serves it."""
        usual = await super().identity()
        tokenizer = content_of(self.tokenization.tokenizer)
        return replace(usual, facts={**usual.facts, "tokenizer": tokenizer})

    async def aclose(self) -> None:
        """Close the connections."""
        await super().aclose()
        await self._server_tokenizer.aclose()

    async def _prompt(self, request: Generate) -> dict[str, Any]:
        if any(message.media for message in request.messages):
            raise RequestRejectedError(
                "a completions endpoint takes no images or other media; "
                "use --model openai"
            )
        if request.tools:
            raise RequestRejectedError(
                "a completions endpoint takes no tools; use --model openai"
            )
        text = text_of(request.messages)
        if not self._sends_tokens:
            return {"prompt": text}
        tokenizer = await self._tokenizer.get()
        assert tokenizer is not None, "one that is asked for is there or an error"
        special = self.tokenization.add_bos_token
        return {"prompt": list(await tokenizer.encode(text, with_special=special))}

    @property
    def _sends_tokens(self) -> bool:
        told = self.tokenization.tokenized_requests
        return self.tokenization.is_asked_for if told is None else told

    def _fitted(
        self, prompt: str | list[int], max_tokens: int | None
    ) -> tuple[Prompt, tuple[str, ...]]:
        """Cut token ids from the left so that there is room for the answer."""
        if isinstance(prompt, str):
            return prompt, ()
        room = self.tokenization.longest - (max_tokens or 0)
        if room < 1:
            raise RequestRejectedError(
                f"max_tokens={max_tokens} leaves no room for a prompt: max_length is "
                f"{self.tokenization.max_length}; set it to what the model takes"
            )
        if len(prompt) <= room:
            return tuple(prompt), ()
        return tuple(prompt[-room:]), (cut_note(len(prompt) - room),)

    def _spoken(self, choice: Mapping[str, Any]) -> Spoken:
        return spoken_in_completion(choice)

    async def _echoed(self, prompt: Prompt) -> Completed:
        """Have a prompt echoed with log-probabilities, and one token generated."""
        settings = {
            "model": self.model,
            "temperature": 0,
            "max_tokens": 1,
            "logprobs": 1,
            "echo": True,
        }
        if self.sampling.seed is not None:
            settings["seed"] = self.sampling.seed
        return await self._batching.ask(encode(settings | self.extra_body), prompt)

    async def _send(
        self, settings: bytes, prompts: Sequence[Prompt]
    ) -> list[Completed | ModelError]:
        started_at = time.monotonic()
        answer = await self._transport.post(body_of(settings, prompts))
        latency_s = time.monotonic() - started_at
        timing = Timing(started_at=started_at, latency_s=latency_s)
        return completions_in(answer, len(prompts), timing)
