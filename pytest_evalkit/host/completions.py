"""Text completions of any backend: batches of prompts, token ids, echo, logprobs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.host.openai_answer import Choice, required_logprobs
from pytest_evalkit.host.openai_request import parameters_of
from pytest_evalkit.messages import Message
from pytest_evalkit.models.backend import Backend, CompletionBackend, PromptToken
from pytest_evalkit.values import Generate, GenerationParameters, Response, Usage

Prompt = str | tuple[int, ...]

# What the protocol generates where nothing is asked for.
_MAX_TOKENS = 16
# Of none, as a prompt that is only echoed has no answer.
_NOTHING = Response(text="", finish_reason="length")


class Completed(NamedTuple):
    """The choices that answer a request, and the tokens they cost."""

    choices: list[Choice]
    usage: Usage | None


class _Asked(NamedTuple):
    """What a request asks about each of its prompts.

    Attributes:
        parameters: How to generate.
        echo: Whether the prompt comes first in the answer.
        top: How many of the likeliest tokens to tell, or None for no logprobs.
    """

    parameters: GenerationParameters
    echo: bool
    top: int | None


async def complete(backend: Backend, payload: Mapping[str, Any]) -> Completed:
    """Answer a request of ``/completions``; its prompts are asked at once.

    A backend that does not continue texts as they are is told them by the user.

    Raises:
        ModelError: The request is malformed, or one of its prompts has no answer.
    """
    prompts = _prompts(payload.get("prompt"))
    asked = _asked(payload)
    answered = await asyncio.gather(*(_answer(backend, one, asked) for one in prompts))
    choices = [{"index": n, **choice} for n, (choice, _) in enumerate(answered)]
    return Completed(choices, _total([usage for _, usage in answered]))


def _prompts(prompt: Any) -> list[Prompt]:
    """Read the four forms: a text, texts, token ids, lists of token ids."""
    if isinstance(prompt, str) or _are_tokens(prompt):
        prompt = [prompt]
    if not isinstance(prompt, list) or not prompt:
        raise RequestRejectedError("prompt must be a text, token ids, or a list of one")
    return [one if isinstance(one, str) else _tokens(one) for one in prompt]


def _are_tokens(prompt: Any) -> bool:
    return isinstance(prompt, list) and bool(prompt) and type(prompt[0]) is int


def _tokens(prompt: Any) -> tuple[int, ...]:
    if not _are_tokens(prompt) or any(type(token) is not int for token in prompt):
        raise RequestRejectedError("a prompt must be a text or a list of token ids")
    return tuple(prompt)


def _asked(payload: Mapping[str, Any]) -> _Asked:
    top = payload.get("logprobs")
    parameters = parameters_of({**payload, "logprobs": None})
    if parameters.max_tokens is None:
        parameters = replace(parameters, max_tokens=_MAX_TOKENS)
    if top is not None:
        told = {"logprobs": True, "top_logprobs": int(top)}
        parameters = replace(parameters, extra={**parameters.extra, **told})
    return _Asked(
        parameters, bool(payload.get("echo")), None if top is None else int(top)
    )


async def _answer(
    backend: Backend, prompt: Prompt, asked: _Asked
) -> tuple[Choice, Usage | None]:
    before: tuple[PromptToken, ...] = ()
    if asked.echo and (asked.top is not None or not isinstance(prompt, str)):
        before = await _own(backend).prompt_logprobs(prompt, asked.top or 0)
    response = await _generated(backend, prompt, asked.parameters)
    text = response.text
    if asked.echo:
        said = "".join(one.text for one in before)
        text = (prompt if isinstance(prompt, str) else said) + text
    logprobs = None
    if asked.top is not None:
        logprobs = _logprobs([*before, *_after(response)])
    choice = {
        "text": text,
        "finish_reason": response.finish_reason,
        "logprobs": logprobs,
    }
    return choice, response.usage or (
        Usage(input_tokens=len(before)) if before else None
    )


async def _generated(
    backend: Backend, prompt: Prompt, parameters: GenerationParameters
) -> Response:
    if parameters.max_tokens == 0:
        return _NOTHING
    if isinstance(backend, CompletionBackend):
        return await backend.complete(prompt, parameters)
    if not isinstance(prompt, str):
        _own(backend)
    message = Message.of_text("user", str(prompt))
    return await backend.generate(Generate(messages=(message,), parameters=parameters))


def _own(backend: Backend) -> CompletionBackend:
    """Make sure that a backend knows its tokens.

    Raises:
        RequestRejectedError: It does not.
    """
    if isinstance(backend, CompletionBackend):
        return backend
    raise RequestRejectedError(
        f"model {backend.model_name!r} takes no token ids and does not tell how likely "
        "the tokens of a prompt are; send texts, without echo and logprobs"
    )


def _after(response: Response) -> list[PromptToken]:
    if response is _NOTHING:
        return []
    return [
        PromptToken(one.token, one.logprob, one.top)
        for one in required_logprobs(response)
    ]


def _logprobs(tokens: Sequence[PromptToken]) -> dict[str, Any]:
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token.text))
    return {
        "tokens": [token.text for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [_likeliest(token) for token in tokens],
        "text_offset": starts[:-1],
    }


def _likeliest(token: PromptToken) -> dict[str, float] | None:
    """List the likeliest tokens in a place, and the one that is there."""
    if token.logprob is None:
        return None
    return {token.text: token.logprob, **dict(reversed(token.top))}


def _total(usages: Sequence[Usage | None]) -> Usage | None:
    counted = [usage for usage in usages if usage is not None]
    if not counted:
        return None
    return Usage(
        input_tokens=sum(usage.input_tokens or 0 for usage in counted),
        output_tokens=sum(usage.output_tokens or 0 for usage in counted),
    )
