"""Log-likelihoods from a completions endpoint that echoes its prompts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager

from pytest_evalkit.errors import ModelUnavailableError, RequestRejectedError
from pytest_evalkit.models.completed import Completed, Prompt, cut_note
from pytest_evalkit.models.contexts import Contexts
from pytest_evalkit.models.echo import Likelihood, read_text, read_window
from pytest_evalkit.models.tokenizing import ChosenTokenizer, Tokenization, Tokenizer
from pytest_evalkit.models.windows import (
    Window,
    first_window,
    pair_window,
    rolling_windows,
    split_at_word,
)
from pytest_evalkit.values import (
    Loglikelihood,
    LoglikelihoodResponse,
    RollingLoglikelihood,
    Timing,
    Usage,
)


class Likelihoods:
    """Finds out how likely an endpoint finds texts.

    Args:
        ask: Has one prompt echoed with log-probabilities, and one token generated.
        coming: Makes a block in which such a prompt is made.
        tokenizer: The tokenizer, looked for when it is first needed.
        settings: How prompts are split.
        at_once: How many windows of one long text are asked for at the same time.
    """

    def __init__(
        self,
        *,
        ask: Callable[[Prompt], Awaitable[Completed]],
        coming: Callable[[], AbstractContextManager[None]],
        tokenizer: ChosenTokenizer,
        settings: Tokenization,
        at_once: int,
    ) -> None:
        self._ask = ask
        self._coming = coming
        self._tokenizer = tokenizer
        self._settings = settings
        self._at_once = at_once
        self._contexts = Contexts(with_special=settings.add_bos_token)

    async def pair(self, request: Loglikelihood) -> LoglikelihoodResponse:
        """Ask about a continuation.

        Raises:
            ModelError: There is no answer, or it does not tell.
        """
        context, continuation = split_at_word(request.context, request.continuation)
        tokenizer = await self._tokenizer.get()
        if tokenizer is None:
            return await self._of_text(context + continuation, continuation)
        if self._settings.tokenized_requests is False:
            return await self._of_cut_text(tokenizer, context, continuation)
        with self._coming():
            window = await self._window(tokenizer, context, continuation)
        return await self._of_window(tokenizer, window)

    async def text(self, request: RollingLoglikelihood) -> LoglikelihoodResponse:
        """Ask about a whole text, window by window; an empty one is certain.

        Raises:
            ModelError: There is no answer, or it does not tell.
        """
        tokenizer = await self._tokenizer.get()
        if tokenizer is None or self._settings.tokenized_requests is False:
            raise ModelUnavailableError(
                "log-likelihoods of whole texts need token ids: name the server's "
                "tokenizer with tokenizer=..., and leave out tokenized_requests=false"
            )
        special = self._settings.add_bos_token
        tokens = await tokenizer.encode(request.text, with_special=special)
        prefix = await self._tokenizer.prefix(tokenizer)
        windows = list(rolling_windows(tokens, prefix, self._settings.longest))
        responses: list[LoglikelihoodResponse] = []
        for start in range(0, len(windows), self._at_once):
            together = windows[start : start + self._at_once]
            responses += await asyncio.gather(
                *(self._of_window(tokenizer, window) for window in together)
            )
        return _sum(responses)

    async def _window(
        self, tokenizer: Tokenizer, context: str, continuation: str
    ) -> Window:
        longest = self._settings.longest
        if not context:
            prefix = await self._tokenizer.prefix(tokenizer)
            return first_window(await tokenizer.encode(continuation), prefix, longest)
        special = self._settings.add_bos_token
        given = await self._contexts.tokens(tokenizer, context)
        whole = await tokenizer.encode(context + continuation, with_special=special)
        return pair_window(given, whole, longest)

    async def _of_window(
        self, tokenizer: Tokenizer, window: Window
    ) -> LoglikelihoodResponse:
        completed = await self._ask(window.tokens)
        spelling = None
        if not tokenizer.is_servers:
            spelling = await tokenizer.decode(window.continuation)
        found = read_window(completed.choice, window, spelling)
        return _response(found, completed, _notes(window))

    async def _of_cut_text(
        self, tokenizer: Tokenizer, context: str, continuation: str
    ) -> LoglikelihoodResponse:
        """Send a text as it is; only where it is too long, what is left of its tokens.

        What stands before a text without context is the server's to say.
        """
        whole = context + continuation
        if not context:
            return await self._of_text(whole, continuation)
        window = await self._window(tokenizer, context, continuation)
        if not window.cut:
            return await self._of_text(whole, continuation)
        kept = await tokenizer.decode(window.tokens)
        end = await tokenizer.decode(window.continuation)
        return await self._of_text(kept, end, _notes(window))

    async def _of_text(
        self, prompt: str, continuation: str, notes: tuple[str, ...] = ()
    ) -> LoglikelihoodResponse:
        if not continuation:
            raise RequestRejectedError(
                "the continuation is empty: it has no likelihood"
            )
        completed = await self._ask(prompt)
        found = read_text(completed.choice, prompt, continuation)
        return _response(found, completed, notes)


def _notes(window: Window) -> tuple[str, ...]:
    return (cut_note(window.cut),) if window.cut else ()


def _response(
    found: Likelihood, completed: Completed, notes: tuple[str, ...]
) -> LoglikelihoodResponse:
    return LoglikelihoodResponse(
        logprob=found.logprob,
        is_greedy=found.is_greedy,
        n_tokens=found.n_tokens,
        usage=completed.usage,
        timing=completed.timing,
        notes=notes,
    )


def _sum(responses: Sequence[LoglikelihoodResponse]) -> LoglikelihoodResponse:
    """Put the windows of one text together."""
    timings = [one.timing for one in responses if one.timing is not None]
    return LoglikelihoodResponse(
        logprob=sum(response.logprob for response in responses),
        is_greedy=all(response.is_greedy for response in responses),
        n_tokens=sum(response.n_tokens or 0 for response in responses),
        usage=_total(one.usage for one in responses if one.usage is not None),
        timing=_span(timings) if timings else None,
    )


def _span(timings: Sequence[Timing]) -> Timing:
    started_at = min(timing.started_at for timing in timings)
    ended_at = max(timing.started_at + timing.latency_s for timing in timings)
    return Timing(started_at=started_at, latency_s=ended_at - started_at)


def _total(usages: Iterable[Usage]) -> Usage | None:
    listed = list(usages)
    if not listed:
        return None
    return Usage(
        input_tokens=sum(usage.input_tokens or 0 for usage in listed),
        output_tokens=sum(usage.output_tokens or 0 for usage in listed),
    )
