"""Whatever an endpoint sends is an answer or one of our errors."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from pytest_evalkit.errors import ModelError, TransientModelError
from pytest_evalkit.models.completed import completions_in
from pytest_evalkit.models.echo import read_text
from pytest_evalkit.models.openai_answer import (
    Spoken,
    cut_at_stop,
    spoken_in_chat,
    spoken_in_completion,
    usage_of,
)
from pytest_evalkit.models.openai_endpoint import first_choice
from pytest_evalkit.models.openai_failure import AnswerReader, retry_after_s
from pytest_evalkit.models.openai_stream import AnswerStream
from pytest_evalkit.models.server_sent import EventParser
from pytest_evalkit.values import Timing, Usage
from tests.unit.fuzzing import altered, damaged, fuzz, odd_texts, values

READER = AnswerReader(url="http://h/v1", model="m")
USAGE = {
    "prompt_tokens": 3,
    "completion_tokens": 2,
    "completion_tokens_details": {"reasoning_tokens": 1},
    "prompt_tokens_details": {"cached_tokens": 1},
}
LOGPROBS = {
    "content": [{"token": "a", "logprob": -1.0, "top_logprobs": [
        {"token": "a", "logprob": -1.0}]}]
}  # fmt: skip
CALL = {"id": "c", "index": 0, "function": {"name": "f", "arguments": "{}"}}
DELTA = {"content": "an answer", "reasoning_content": "thought", "tool_calls": [CALL]}
CHUNK = {
    "id": "x", "model": "m", "usage": USAGE,
    "choices": [{"index": 0, "delta": DELTA, "logprobs": LOGPROBS,
                 "finish_reason": None}],
}  # fmt: skip
ECHO = {
    "tokens": ["a", "b", "c"], "token_logprobs": [None, -1.0, -2.0],
    "top_logprobs": [None, {"b": -1.0}, {"c": -2.0}], "text_offset": [0, 1, 2],
}  # fmt: skip
ANSWER = {
    "id": "x", "model": "m", "usage": USAGE,
    "choices": [{"index": 0, "finish_reason": "stop", "text": "t", "logprobs": LOGPROBS,
                 "message": {"role": "assistant", **DELTA, "refusal": None}}],
}  # fmt: skip
ERROR = {"error": {"message": "no", "code": "server_error", "status": 500, "type": "x"}}


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


STREAM = event(CHUNK) * 2 + b": comment\r\n\r\nevent: x\ndata: [DONE]\n\n"


def read(answer: dict[str, Any]) -> None:
    """Read an answer in every way in which one is read."""
    for spoken_in in (spoken_in_chat, spoken_in_completion):
        with suppress(ModelError):
            spoken = cut_at_stop(spoken_in(first_choice(answer)), ("st", ""))
            assert isinstance(spoken, Spoken)
            assert isinstance(spoken.text, str)
    usage = usage_of(answer)
    assert usage is None or isinstance(usage, Usage)
    with suppress(ModelError):
        found = completions_in(answer, 2, Timing(started_at=0.0, latency_s=1.0))
        assert len(found) == 2


@fuzz(300)
@given(st.data())
def test_a_stream_of_any_bytes_is_an_answer_or_an_error(data: st.DataObject) -> None:
    chunks = data.draw(st.lists(altered(CHUNK) | altered(ERROR) | values, max_size=4))
    sound = b"".join(map(event, chunks)) + data.draw(st.sampled_from([STREAM, b""]))
    content = data.draw(damaged(sound))
    stream = AnswerStream(started_at=0.0, broken_off=READER.broken_off)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=5)))

    with suppress(ModelError):
        for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
            stream.feed(content[start:end], float(end))
        stream.close(99.0)
        read(stream.answer())
        assert stream.timing(99.0).latency_s == 99.0


@fuzz(100)
@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=6))
@example(b"\xef\xbb\xbfdata: a\r\ndata: b\r\n\r\ndata: c", [1, 2, 9, 10, 11])
def test_events_are_the_same_however_they_are_cut(
    content: bytes, cuts: list[int]
) -> None:
    whole, pieces = EventParser(), EventParser()
    places = sorted(min(cut, len(content)) for cut in cuts)

    found = [
        event
        for start, end in zip([0, *places], [*places, len(content)], strict=True)
        for event in pieces.feed(content[start:end])
    ]

    assert found + pieces.close() == whole.feed(content) + whole.close()


@fuzz(300)
@given(altered(ANSWER) | values)
def test_a_whole_answer_of_any_form_is_an_answer_or_an_error(value: Any) -> None:
    with suppress(ModelError):
        read(READER.answer(json.dumps(value).encode()))


@fuzz(200)
@given(altered(ERROR) | values, st.integers(100, 999), st.data())
def test_a_refusal_of_any_form_is_an_error_with_words(
    value: Any, status: int, data: st.DataObject
) -> None:
    content = data.draw(damaged(json.dumps(value).encode()))

    error = READER.failure(status, {"Location": data.draw(odd_texts)}, content)

    assert isinstance(error, ModelError)
    assert str(error).startswith("http://h/v1 answered ")
    with suppress(ModelError):
        READER.answer(content)


@fuzz(200)
@given(
    st.text(max_size=30)
    | st.from_regex(
        r"(Mon, )?\d{1,5} [A-Z][a-z]{2} \d{1,6} \d\d:\d\d:\d\d [+-]?\w{1,6}"
    )
)
@example("Wed, 21 Oct 99999 07:28:00 GMT")
@example("Wed, 21 Oct 2015 07:28:00 +9999")
@example("1e999")
@example("-5")
def test_how_long_to_wait_is_seconds_or_unknown(said: str) -> None:
    for headers in ({"Retry-After": said}, {"retry-after-ms": said}):
        seconds = retry_after_s(headers)

        assert seconds is None or seconds >= 0


@fuzz(300)
@given(altered({"logprobs": ECHO}))
@example({"logprobs": {**ECHO, "top_logprobs": [None, {"b": -1.0, "": None}, None]}})
def test_an_echo_of_any_form_is_a_likelihood_or_an_error(choice: Any) -> None:
    if not isinstance(choice, dict):
        return
    with suppress(ModelError):
        likelihood = read_text(choice, "ab", "b")

        assert isinstance(likelihood.logprob, float)
        assert likelihood.n_tokens > 0


def test_a_stream_without_an_end_is_an_error_that_may_pass() -> None:
    stream = AnswerStream(started_at=0.0, broken_off=READER.broken_off)

    stream.feed(event(CHUNK), 1.0)

    with suppress(TransientModelError):
        stream.close(2.0)
        raise AssertionError("it was cut")
