from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.errors import (
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.models.openai_answer import spoken_in_chat, usage_of
from pytest_evalkit.models.openai_failure import AnswerReader
from pytest_evalkit.models.openai_stream import AnswerStream
from pytest_evalkit.values import Usage

READER = AnswerReader(url="http://h/v1", model="m")


def new_stream() -> AnswerStream:
    return AnswerStream(started_at=10.0, broken_off=READER.broken_off)


def event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def delta(finish_reason: str | None = None, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": fields, "finish_reason": finish_reason}
    return event({"choices": [choice]})


DONE = b"data: [DONE]\n\n"
END = delta("stop") + DONE


def call(index: int | None, **fields: Any) -> dict[str, Any]:
    function = {key: fields.pop(key) for key in ("name", "arguments") if key in fields}
    place = {} if index is None else {"index": index}
    return {**place, **fields, "function": function}


def read(*timed: tuple[float, bytes]) -> AnswerStream:
    stream = new_stream()
    for at, content in timed:
        stream.feed(content, at)
    stream.close(20.0)
    return stream


def choice_of(content: bytes) -> dict[str, Any]:
    (choice,) = read((11.0, content)).answer()["choices"]
    assert isinstance(choice, dict)
    return choice


def test_the_fragments_are_put_together() -> None:
    choice = choice_of(
        delta(role="assistant") + delta(content="Be") + delta(content="cause") + END
    )

    assert choice["message"]["content"] == "Because"
    assert choice["finish_reason"] == "stop"


def test_an_event_that_only_says_the_role_is_no_token() -> None:
    stream = read(
        (10.1, delta(role="assistant", content="")),
        (10.4, delta(content="a")),
        (10.5, END),
    )

    timing = stream.timing(10.5)

    assert timing.ttft_s == pytest.approx(0.4)
    assert timing.n_chunks == 1


def test_thought_is_the_first_token_and_text_the_first_visible_one() -> None:
    stream = read(
        (10.3, delta(reasoning_content="hm")),
        (10.5, delta(reasoning_content=" so")),
        (10.6, delta(content="4")),
        (10.7, END),
    )

    timing = stream.timing(10.75)

    assert timing.ttft_s == pytest.approx(0.3)
    assert timing.ttfo_s == pytest.approx(0.6)
    assert timing.gaps_s == pytest.approx((0.2, 0.1))
    assert timing.latency_s == pytest.approx(0.75)
    assert timing.n_chunks == 3
    assert timing.bad_frames == 0


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thought_has_two_names(name: str) -> None:
    choice = choice_of(delta(**{name: "so "}) + delta(content="4") + END)

    assert spoken_in_chat(choice).reasoning == "so "
    assert spoken_in_chat(choice).text == "4"


def test_thought_said_under_both_names_is_said_once() -> None:
    choice = choice_of(delta(reasoning="so", reasoning_content="so") + END)

    assert spoken_in_chat(choice).reasoning == "so"


def test_a_stream_of_tool_calls_alone_has_a_first_token() -> None:
    stream = read(
        (10.2, delta(tool_calls=[call(0, id="c1", name="add", arguments="")])),
        (10.3, delta(tool_calls=[call(0, arguments='{"a": ')])),
        (10.4, delta(tool_calls=[call(1, id="c2", name="now", arguments="{}")])),
        (10.5, delta(tool_calls=[call(0, arguments="1}")])),
        (10.6, delta("tool_calls") + DONE),
    )

    (choice,) = stream.answer()["choices"]
    spoken = spoken_in_chat(choice)

    assert [(c.id, c.name, c.arguments) for c in spoken.tool_calls] == [
        ("c1", "add", '{"a": 1}'),
        ("c2", "now", "{}"),
    ]
    assert spoken.text == ""
    assert spoken.finish_reason == "tool_calls"
    assert stream.timing(11.0).ttft_s == pytest.approx(0.2)
    assert stream.timing(11.0).ttfo_s is None


def test_tool_calls_without_numbers_are_told_apart_by_their_identifiers() -> None:
    content = (
        delta(tool_calls=[call(None, id="c1", name="add", arguments='{"a"')])
        + delta(tool_calls=[call(None, arguments=": 1}")])
        + delta(tool_calls=[call(None, id="c2", name="now", arguments="{}")])
        + END
    )

    calls = spoken_in_chat(choice_of(content)).tool_calls

    assert [(c.id, c.arguments) for c in calls] == [("c1", '{"a": 1}'), ("c2", "{}")]


def test_a_refusal_is_visible_text() -> None:
    stream = read((10.5, delta(content="") + delta(refusal="I will not.") + END))

    (choice,) = stream.answer()["choices"]

    assert spoken_in_chat(choice).text == "I will not."
    assert spoken_in_chat(choice).refusal == "I will not."
    assert stream.timing(11.0).ttfo_s == pytest.approx(0.5)


def test_an_answer_that_a_filter_took_away_is_no_empty_answer() -> None:
    choice = choice_of(delta(content="") + delta("content_filter") + DONE)

    with pytest.raises(RequestRejectedError, match="content_filter"):
        spoken_in_chat(choice)


def test_an_empty_answer_is_an_answer() -> None:
    stream = read((10.5, delta(role="assistant", content="") + END))

    (choice,) = stream.answer()["choices"]

    assert spoken_in_chat(choice).text == ""
    assert stream.timing(11.0).ttft_s is None
    assert stream.timing(11.0).gaps_s == ()


def test_usage_comes_with_the_last_chunk_that_has_it() -> None:
    growing = event({"choices": [], "usage": {"completion_tokens": 1}})
    last = event(
        {
            "choices": [],
            "usage": {
                "prompt_tokens": 3,
                "completion_tokens": 2,
                "completion_tokens_details": {"reasoning_tokens": 1},
            },
        }
    )

    stream = read((11.0, delta(content="a") + growing + delta("stop") + last + DONE))

    assert usage_of(stream.answer()) == Usage(
        input_tokens=3, output_tokens=2, reasoning_tokens=1
    )


def test_a_text_completion_is_put_together_too() -> None:
    pieces = [("Be", None), ("cause", None), ("", "length")]
    content = b"".join(
        event({"choices": [{"index": 0, "text": text, "finish_reason": reason}]})
        for text, reason in pieces
    )

    stream = read((10.2, content + DONE))

    (choice,) = stream.answer()["choices"]
    assert choice == {"index": 0, "finish_reason": "length", "text": "Because"}
    assert stream.timing(11.0).ttfo_s == pytest.approx(0.2)


def test_other_choices_are_left_out() -> None:
    other = event({"choices": [{"index": 1, "delta": {"content": "other"}}]})

    assert choice_of(delta(content="a") + other + END)["message"]["content"] == "a"


def test_content_may_come_in_parts() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]

    assert choice_of(delta(content=parts) + END)["message"]["content"] == "ab"


def test_logprobs_are_collected() -> None:
    def likely(token: str, logprob: float) -> bytes:
        told = {"content": [{"token": token, "logprob": logprob}]}
        choice = {"index": 0, "delta": {"content": token}, "logprobs": told}
        return event({"choices": [choice]})

    choice = choice_of(likely("a", -0.5) + likely("b", -1.0) + END)

    told = spoken_in_chat(choice).logprobs
    assert told is not None
    assert [(one.token, one.logprob) for one in told] == [("a", -0.5), ("b", -1.0)]


@pytest.mark.parametrize(
    "frame", [b'data: {"choices": [{"del\n\n', b"data: 7\n\n", b"data: \xff\n\n"]
)
def test_a_frame_that_is_no_json_object_is_counted(frame: bytes) -> None:
    stream = read((11.0, delta(content="a") + frame + delta(content="b") + END))

    (choice,) = stream.answer()["choices"]
    assert choice["message"]["content"] == "ab"
    assert stream.timing(12.0).bad_frames == 1


@pytest.mark.parametrize(
    "end", [delta("stop"), DONE, delta("stop").rstrip(), b"data: [DONE]"]
)
def test_either_the_reason_or_the_mark_ends_an_answer(end: bytes) -> None:
    assert choice_of(delta(content="a") + end)["message"]["content"] == "a"


@pytest.mark.parametrize("content", [b"", delta(content="a"), delta(content="a")[:-9]])
def test_a_stream_that_was_cut_is_no_answer(content: bytes) -> None:
    with pytest.raises(TransientModelError, match="cut"):
        read((11.0, content))


def test_what_comes_after_the_mark_does_not_count() -> None:
    content = delta(content="a") + END + delta(content="b")

    assert choice_of(content)["message"]["content"] == "a"


def test_a_stream_without_any_choice_has_none() -> None:
    assert read((11.0, DONE)).answer()["choices"] == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "went wrong"}, TransientModelError),
        ("went wrong", TransientModelError),
        ({"message": "went wrong", "type": "server_error"}, TransientModelError),
        ({"message": "went wrong", "code": 502}, TransientModelError),
        ({"message": "went wrong", "code": "429"}, TransientModelError),
        ({"message": "went wrong", "code": 400}, RequestRejectedError),
        ({"message": "went wrong", "type": "BadRequestError"}, RequestRejectedError),
        ({"message": "went wrong", "code": "content_filter"}, RequestRejectedError),
        ({"message": "went wrong", "code": "invalid_api_key"}, ModelUnavailableError),
        ({"message": "went wrong", "code": 404}, ModelUnavailableError),
    ],
)
def test_an_error_in_the_stream_is_judged_by_its_code(
    error: Any, kind: type[ModelError]
) -> None:
    stream = new_stream()
    stream.feed(delta(content="a"), 11.0)

    with pytest.raises(kind, match="went wrong"):
        stream.feed(event({"error": error}), 12.0)


WHOLE = (
    b": hello\r\n\r\n"
    + delta(role="assistant", content="")
    + delta(reasoning="dr\u00fcber")
    + delta(content="\u732b")
    + b"data: oops\n\n"
    + delta(tool_calls=[call(0, id="c", name="f", arguments='{"x": "\u00e9"}')])
    + END
)


@given(cuts=st.lists(st.integers(1, len(WHOLE) - 1)))
def test_however_the_stream_is_cut_the_answer_is_the_same(cuts: list[int]) -> None:
    whole = read((11.0, WHOLE))
    places = [0, *sorted(set(cuts)), len(WHOLE)]

    cut = read(*((11.0, WHOLE[a:b]) for a, b in itertools.pairwise(places)))

    assert cut.answer() == whole.answer()
    assert cut.timing(12.0) == whole.timing(12.0)
