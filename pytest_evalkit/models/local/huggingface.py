"""Any checkpoint of transformers that continues texts, with or without media."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from pytest_evalkit.models.backend import Identity, PromptToken
from pytest_evalkit.models.completed import cut_note
from pytest_evalkit.models.identity import deciding_settings
from pytest_evalkit.models.local.batcher import Prepared
from pytest_evalkit.models.local.choosing_tokens import TokenLikelihood
from pytest_evalkit.models.local.drawing import WriteRule
from pytest_evalkit.models.local.likelihood import Likelihood, ReadWork
from pytest_evalkit.models.local.loading import (
    LoadRule,
    check_place,
    load,
    need_packages,
)
from pytest_evalkit.models.local.preparing import Preparing, Rules, Work
from pytest_evalkit.models.local.prompting import PromptRule
from pytest_evalkit.models.local.running import (
    Answer,
    Loaded,
    Running,
    deciding_facts,
    facts,
)
from pytest_evalkit.models.local.showing import ShowRule
from pytest_evalkit.models.local.sizing import MOST_ROWS
from pytest_evalkit.models.local.writing import Answered, WriteWork
from pytest_evalkit.models.masking import masked
from pytest_evalkit.models.pacing import Pacing
from pytest_evalkit.models.parameters import GROUPED, settings_of
from pytest_evalkit.models.windows import Window
from pytest_evalkit.values import (
    Generate,
    GenerationParameters,
    Loglikelihood,
    LoglikelihoodResponse,
    Response,
    RollingLoglikelihood,
    Timing,
    TokenLogprob,
    Usage,
)

# One batch in the model, one ready, and others among which to find like lengths.
_BATCHES_IN_FLIGHT = 4
_LEAST_IN_FLIGHT = 32
# Settings that make no difference, or are told more exactly by what was loaded.
_TOLD_BY_WHAT_IS_LOADED = (
    *("pretrained", "use_cache", "revision", "dtype", "device", "device_map", "peft"),
    *("attn_implementation", "chat_template", "max_length", "system_prompt"),
)
# A forward pass cannot be broken off, and loading counts: giving up gains nothing.
_TIMEOUT_S = 24 * 3600.0


@dataclass(kw_only=True, eq=False)
class HuggingFace:
    """Runs a checkpoint on this machine, through transformers.

    It may take texts alone, or images, videos and sounds too. A conversation goes
    through the checkpoint's own chat template. Log-likelihoods are told of texts.

    Attributes:
        pretrained: A folder, or a name on the Hugging Face hub.
        batch_size: How many requests the model answers at once; ``auto`` finds the
            most that fit into memory. What does not fit is tried in halves. But for
            rounding, it changes no answer.
        max_batch_size: The most requests at once with ``batch_size=auto``.
        use_cache: False to have the model read everything again for each token it
            writes, in little memory and much time.
        loading: How the checkpoint is loaded.
        prompting: How a conversation becomes what the model reads.
        writing: How texts are written where a request does not say.
        showing: Which frames of videos are shown.
    """

    argument_aliases: ClassVar[Mapping[str, str]] = {"model": "pretrained"}
    is_local: ClassVar[bool] = True
    usual_system: ClassVar[str | None] = None

    pretrained: str
    batch_size: int | Literal["auto"] = 1
    max_batch_size: int = MOST_ROWS
    use_cache: bool = True
    loading: LoadRule = field(default_factory=LoadRule, metadata=GROUPED)
    prompting: PromptRule = field(default_factory=PromptRule, metadata=GROUPED)
    writing: WriteRule = field(default_factory=WriteRule, metadata=GROUPED)
    showing: ShowRule = field(default_factory=ShowRule, metadata=GROUPED)

    _running: Running = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check what can be checked without loading anything.

        Raises:
            OptionError: A package is missing, there is no such folder, or a setting
                makes no sense.
        """
        need_packages(self.model_name)
        check_place(self.pretrained)
        self._running = Running(
            self._load,
            batch_size=None if self.batch_size == "auto" else self.batch_size,
            max_batch_size=self.max_batch_size,
            use_cache=self.use_cache,
        )

    @property
    def model_name(self) -> str:
        """The name on the hub, or that of the folder."""
        path = Path(self.pretrained).expanduser()
        return path.resolve().name if path.is_dir() else self.pretrained

    @property
    def pacing(self) -> Pacing:
        """How it wants to be asked: by enough requests to fill batches of like length."""
        most = self._running.most_rows * _BATCHES_IN_FLIGHT
        return Pacing(
            num_concurrent=max(_LEAST_IN_FLIGHT, most),
            timeout=_TIMEOUT_S,
            max_retries=1,
        )

    def describe(self) -> Mapping[str, Any]:
        """Tell how answers come about; what is loaded, once something is."""
        loaded = self._running.loaded
        settings = masked(settings_of(self))
        return settings if loaded is None else settings | {"loaded": facts(loaded)}

    async def generate(self, request: Generate) -> Response:
        """Write an answer.

        Raises:
            DatasetError: A medium cannot be read or decoded.
            RequestRejectedError: The model cannot take the request, or not even it
                alone fits into memory.
            ModelUnavailableError: The checkpoint cannot be loaded.
        """
        started_at = time.monotonic()
        answer = await self._answer(lambda preparing: preparing.generate(request))
        return self._response(answer, started_at)

    async def complete(
        self, prompt: str | tuple[int, ...], parameters: GenerationParameters
    ) -> Response:
        """Continue a prompt as it is, with no chat template and nothing around it.

        Args:
            prompt: A text, or token ids.
            parameters: How to generate.

        Raises:
            RequestRejectedError: The model cannot take the request.
            ModelUnavailableError: The checkpoint cannot be loaded.
        """
        started_at = time.monotonic()
        answer = await self._answer(
            lambda preparing: preparing.completion(prompt, parameters)
        )
        return self._response(answer, started_at)

    async def prompt_logprobs(
        self, prompt: str | tuple[int, ...], top: int
    ) -> tuple[PromptToken, ...]:
        """Tell how likely each token of a prompt is after those before it.

        Args:
            prompt: A text, or token ids; nothing is put around it.
            top: How many of the likeliest tokens to tell in each place.

        Raises:
            RequestRejectedError: The model cannot take the prompt.
            ModelUnavailableError: The checkpoint cannot be loaded.
        """
        preparing = (await asyncio.to_thread(self._running.load)).preparing
        tokens = preparing.prompt(prompt)
        first = PromptToken(self._spelt(tokens[0]), None)
        if len(tokens) == 1:
            return (first,)
        window = Window(tokens=tokens, asked=len(tokens) - 1)
        answer = await self._answer(lambda preparing: preparing.read(window, top))
        told = [
            PromptToken(one.token, one.logprob, one.top)
            for one in self._told_tokens(answer.result.told)
        ]
        return (first, *told)

    async def tokenize(self, text: str, *, with_special: bool) -> tuple[int, ...]:
        """Split a text.

        Args:
            text: The text.
            with_special: Whether what the model expects around a text is added.

        Raises:
            ModelUnavailableError: The checkpoint cannot be loaded.
        """
        loaded = await asyncio.to_thread(self._running.load)
        return loaded.preparing.tokens(text, with_special=with_special)

    async def loglikelihood(self, request: Loglikelihood) -> LoglikelihoodResponse:
        """Tell how likely the continuation is after the context.

        Raises:
            RequestRejectedError: There is nothing to ask about, or no room for it.
            ModelUnavailableError: The checkpoint cannot be loaded.
        """
        started_at = time.monotonic()
        answer = await self._answer(
            lambda preparing: preparing.read(preparing.pair(request))
        )
        return _told([answer], started_at)

    async def rolling_loglikelihood(
        self, request: RollingLoglikelihood
    ) -> LoglikelihoodResponse:
        """Tell how likely the whole text is; an empty one is certain.

        Raises:
            RequestRejectedError: No token stands before the first of a text.
            ModelUnavailableError: The checkpoint cannot be loaded.
        """
        started_at = time.monotonic()
        windows = await asyncio.to_thread(self._windows, request.text)
        answers = await asyncio.gather(
            *(self._answer(partial(_reading, window=window)) for window in windows)
        )
        return _told(answers, started_at)

    async def identity(self) -> Identity:
        """Tell what decides the answers: what was loaded, which this does first.

        Only then is it known which commit a name stands for, and in which numbers the
        model computes.

        Raises:
            ModelUnavailableError: The checkpoint cannot be loaded.
        """
        settings = deciding_settings(self, *_TOLD_BY_WHAT_IS_LOADED)
        loaded = await asyncio.to_thread(self._deciding_facts)
        return Identity(
            facts={"kind": type(self).__name__, **settings, "loaded": loaded},
            temperature=self.writing.temperature,
        )

    async def aclose(self) -> None:
        """Give the memory back; another request would load the checkpoint again."""
        await asyncio.to_thread(self._running.close)

    async def load(self) -> None:
        """Load the checkpoint now, and not with the first request.

        Raises:
            ModelUnavailableError: It cannot be loaded.
        """
        await asyncio.to_thread(self._running.load)

    async def _answer(self, prepare: Callable[[Preparing], Prepared[Work]]) -> Answer:
        return await asyncio.wrap_future(self._running.submit(prepare))

    def _response(self, answer: Answer, started_at: float) -> Response:
        work, result = answer.work, answer.result
        assert isinstance(work, WriteWork)
        assert isinstance(result, Answered)
        text = result.written
        told = None if work.draw.n_top is None else self._told_tokens(result.told)
        return Response(
            text=text.text,
            finish_reason=text.reason,
            logprobs=told,
            usage=Usage(input_tokens=len(work.prompt), output_tokens=text.tokens),
            timing=_timing(started_at),
            notes=work.notes,
        )

    def _told_tokens(self, told: Sequence[TokenLikelihood]) -> tuple[TokenLogprob, ...]:
        return tuple(
            TokenLogprob(
                token=self._spelt(one.token),
                logprob=one.logprob,
                top=tuple((self._spelt(token), value) for token, value in one.top),
            )
            for one in told
        )

    def _spelt(self, token: int) -> str:
        tokenizer = self._running.load().checkpoint.tokenizer
        text: str = tokenizer.decode([token], skip_special_tokens=False)
        return text

    def _deciding_facts(self) -> dict[str, Any]:
        return deciding_facts(self._running.load(), self.pretrained, self.loading)

    def _windows(self, text: str) -> list[Window]:
        return self._running.load().preparing.windows(text)

    def _load(self) -> Loaded:
        checkpoint = load(self.pretrained, self.loading, self.prompting.max_length)
        rules = Rules(prompt=self.prompting, write=self.writing, show=self.showing)
        return Loaded(checkpoint, Preparing(checkpoint, rules, self.usual_system))


def _reading(preparing: Preparing, *, window: Window) -> Prepared[Work]:
    return preparing.read(window)


def _told(answers: Sequence[Answer], started_at: float) -> LoglikelihoodResponse:
    """Put the windows of one text together."""
    windows = [one.work.window for one in answers if isinstance(one.work, ReadWork)]
    found = [one.result for one in answers if isinstance(one.result, Likelihood)]
    return LoglikelihoodResponse(
        logprob=sum((one.logprob for one in found), start=0.0),
        is_greedy=all(one.is_greedy for one in found),
        n_tokens=sum(window.asked for window in windows),
        usage=Usage(
            input_tokens=sum(len(window.tokens) for window in windows), output_tokens=0
        ),
        timing=_timing(started_at),
        notes=tuple(cut_note(window.cut) for window in windows if window.cut),
    )


def _timing(started_at: float) -> Timing:
    return Timing(started_at=started_at, latency_s=time.monotonic() - started_at)
