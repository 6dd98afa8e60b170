"""Text completions: batches of prompts, token ids, echo and log-probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, NamedTuple

from pytest_evalkit.codec import encode as encode_json
from pytest_evalkit.mockserver.likelihood import likeliest, logprobs_at
from pytest_evalkit.mockserver.reply import AnswerFunction, Reply
from pytest_evalkit.mockserver.tokenizing import (
    EOS,
    checked_tokens,
    decode,
    encode,
)
from pytest_evalkit.serving import BadRequestError, error_body

# What the protocol generates where nothing is asked for.
_MAX_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prompt:
    """One prompt of a request.

    Attributes:
        text: As the answer function sees it.
        tokens: As the model sees it.
    """

    text: str
    tokens: list[int]


class _Completed(NamedTuple):
    """One choice without its index, and how many tokens of it are new."""

    choice: dict[str, Any]
    generated: int


def needs_tokens(payload: Mapping[str, Any]) -> bool:
    """Whether a completion asks for more than a whole text in answer to a text."""
    asked = (
        payload.get("echo"),
        payload.get("stop") and not payload.get("stream"),
        payload.get("logprobs") is not None,
    )
    return any(asked) or _copies(payload) > 1 or isinstance(payload.get("prompt"), list)


def complete(
    payload: dict[str, Any], answer: AnswerFunction, number: int
) -> tuple[Reply, bytes]:
    """Answer a completion request with all that the protocol has.

    The texts are the answer function's, which is asked once for each prompt. Where
    log-probabilities are asked for, its text is cut to ``max_tokens`` tokens, 16 if not
    said; elsewhere it is left as it is. Usage counts tokens.

    Args:
        payload: What was asked, checked to be an object with a ``prompt``.
        answer: Says what the model answers to one prompt.
        number: Number of the request.

    Returns:
        The reply that decides status, headers and delay, and the body. The first
        prompt that is answered with an error decides for all.

    Raises:
        BadRequestError: The payload is malformed.
    """
    prompts = _prompts(payload)
    replies = [_reply(answer({**payload, "prompt": p.text})) for p in prompts]
    for reply in replies:
        if reply.status >= HTTPStatus.BAD_REQUEST or reply.close or reply.body:
            return reply, reply.body or error_body(reply.text, reply.status)
    completed = [
        one
        for prompt, reply in zip(prompts, replies, strict=True)
        for one in [_completed(payload, prompt, reply)] * _copies(payload)
    ]
    body = {
        "id": f"mock-{number}",
        "object": "text_completion",
        "created": 0,
        "model": payload.get("model"),
        "choices": [{"index": n, **one.choice} for n, one in enumerate(completed)],
    }
    if replies[0].tells_usage:
        body["usage"] = _usage(prompts, completed)
    slowest_s = max(reply.delay_s for reply in replies)
    return replace(replies[0], delay_s=slowest_s), encode_json(body)


def _copies(payload: Mapping[str, Any]) -> int:
    copies = payload.get("n")
    if copies is None:
        return 1
    if type(copies) is not int or copies < 1:
        raise BadRequestError(f"n must be at least 1, got {copies!r}")
    return copies


def _reply(answered: str | Reply) -> Reply:
    return Reply(text=answered) if isinstance(answered, str) else answered


def _prompts(payload: Mapping[str, Any]) -> list[_Prompt]:
    """Read the four forms: a text, texts, token ids, lists of token ids."""
    prompt = payload.get("prompt")
    special = bool(payload.get("add_special_tokens", True))
    if isinstance(prompt, list) and prompt and isinstance(prompt[0], int):
        prompt = [prompt]
    prompts = prompt if isinstance(prompt, list) else [prompt]
    if not prompts:
        raise BadRequestError("the prompt is empty")
    return [_prompt(one, add_special_tokens=special) for one in prompts]


def _prompt(prompt: Any, *, add_special_tokens: bool) -> _Prompt:
    if isinstance(prompt, str):
        tokens = encode(prompt, add_special_tokens=add_special_tokens)
        return _Prompt(text=prompt, tokens=tokens)
    if isinstance(prompt, list) and prompt:
        tokens = checked_tokens(prompt)
        return _Prompt(text=decode(tokens), tokens=tokens)
    raise BadRequestError("a prompt must be a text or a list of token ids")


def _completed(payload: Mapping[str, Any], prompt: _Prompt, reply: Reply) -> _Completed:
    text, finish_reason = _stopped(reply, payload.get("stop"))
    tokens = encode(text) or [EOS]
    top = payload.get("logprobs")
    if top is not None:
        most = payload.get("max_tokens")
        kept = tokens[: _MAX_TOKENS if most is None else most]
        if len(kept) < len(tokens):
            tokens, text, finish_reason = kept, decode(kept), "length"
    echo = bool(payload.get("echo"))
    logprobs = (
        None if top is None else _logprobs(prompt.tokens, tokens, int(top), echo=echo)
    )
    choice = {
        "text": prompt.text + text if echo else text,
        "finish_reason": finish_reason,
        "logprobs": logprobs,
    }
    return _Completed(choice, len(tokens))


def _stopped(reply: Reply, stop: Any) -> tuple[str, str]:
    stops = [stop] if isinstance(stop, str) else stop or []
    places = [reply.text.find(text) for text in stops]
    found = [place for place in places if place >= 0]
    if found:
        return reply.text[: min(found)], "stop"
    return reply.text, reply.finish_reason


def _logprobs(
    prompt: Sequence[int], generated: Sequence[int], top: int, *, echo: bool
) -> dict[str, Any]:
    tokens = [*prompt, *generated]
    first = 0 if echo else len(prompt)
    texts = [decode([token]) for token in tokens]
    rows = [_at(tokens, position, top) for position in range(first, len(tokens))]
    ends = [0]
    for text in texts:
        ends.append(ends[-1] + len(text))
    return {
        "tokens": texts[first:],
        "token_logprobs": [own for own, _ in rows],
        "top_logprobs": [best for _, best in rows],
        "text_offset": ends[first:-1],
    }


def _at(
    tokens: Sequence[int], position: int, top: int
) -> tuple[float | None, dict[str, float] | None]:
    """Tell a token's own log-probability, and those of the likeliest in its place."""
    if position == 0:
        return None, None
    row = logprobs_at(tokens, position)
    best: dict[str, float] = {}
    for token in (*likeliest(tokens, position)[:top], tokens[position]):
        best.setdefault(decode([token]), row[token])
    return row[tokens[position]], best


def _usage(
    prompts: Sequence[_Prompt], completed: Sequence[_Completed]
) -> dict[str, int]:
    asked = sum(len(prompt.tokens) for prompt in prompts)
    answered = sum(one.generated for one in completed)
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
    }
