"""What the mock server can be asked, and what answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from pytest_evalkit.mockserver.completions import complete, needs_tokens
from pytest_evalkit.mockserver.protocol import (
    CHAT_PATH,
    COMPLETIONS_PATH,
    completion_body,
)
from pytest_evalkit.mockserver.reply import AnswerFunction, Reply
from pytest_evalkit.mockserver.streaming import Stream, stream_of
from pytest_evalkit.mockserver.tokenizing import (
    DETOKENIZE_PATH,
    TOKENIZE_PATH,
    TOKENIZER_INFO_PATH,
    detokenize_body,
    tokenize_body,
    tokenizer_info_body,
)
from pytest_evalkit.serving import BadRequestError

Payload = dict[str, Any]


class Answered(NamedTuple):
    """An answer in its wire form: a body, or a stream in its place."""

    reply: Reply
    body: bytes
    stream: Stream | None = None


Generating = Callable[[Payload, AnswerFunction, int], Answered]


def _chat(payload: Payload, answer: AnswerFunction, number: int) -> Answered:
    if payload.get("n", 1) != 1:
        raise BadRequestError("the mock server gives one answer to a chat: no n")
    return _answered(CHAT_PATH, payload, answer, number)


def _completion(payload: Payload, answer: AnswerFunction, number: int) -> Answered:
    if not needs_tokens(payload):
        return _answered(COMPLETIONS_PATH, payload, answer, number)
    if payload.get("stream"):
        raise BadRequestError("the mock server streams one text: no echo, no logprobs")
    return Answered(*complete(payload, answer, number))


def _answered(
    path: str, payload: Payload, answer: AnswerFunction, number: int
) -> Answered:
    said = answer(payload)
    reply = Reply(text=said) if isinstance(said, str) else said
    is_good = reply.status < HTTPStatus.BAD_REQUEST and reply.body is None
    if reply.frames is not None or (payload.get("stream") and is_good):
        return Answered(reply, b"", stream_of(path, payload, reply, number))
    return Answered(reply, completion_body(path, payload, reply, number))


# What takes time, capacity and faults, and is counted.
GENERATING: Mapping[str, Generating] = {
    CHAT_PATH: _chat,
    COMPLETIONS_PATH: _completion,
}
# What is looked up at once: by POST with a payload, and by GET.
POSTED: Mapping[str, Callable[[Payload], bytes]] = {
    TOKENIZE_PATH: tokenize_body,
    DETOKENIZE_PATH: detokenize_body,
}
FETCHED: Mapping[str, Callable[[], bytes]] = {
    "/health": lambda: b"{}",
    TOKENIZER_INFO_PATH: tokenizer_info_body,
}
