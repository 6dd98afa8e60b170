"""From the bytes of streams, at known times, to the figures of a run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_evalkit.engine.drive import Ask
from pytest_evalkit.evaluate.request_log import RequestLog as DocumentLog
from pytest_evalkit.messages import Message
from pytest_evalkit.models.openai_answer import spoken_in_chat, usage_of
from pytest_evalkit.models.openai_failure import AnswerReader
from pytest_evalkit.models.openai_stream import AnswerStream
from pytest_evalkit.results.request_log import RequestLog
from pytest_evalkit.stats.load_figures import load_figures
from pytest_evalkit.values import AnyResponse, Generate, Request, Response

SENT_AT = 50.0
QUESTION = Generate(messages=(Message.of_text("user", "?"),))
READER = AnswerReader(url="http://h/v1", model="m")


def event(delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def end(tokens: int, finish_reason: str = "stop") -> bytes:
    usage = {"prompt_tokens": 9, "completion_tokens": tokens}
    told = json.dumps({"choices": [], "usage": usage}).encode()
    return event({}, finish_reason) + b"data: " + told + b"\n\ndata: [DONE]\n\n"


def received(*timed: tuple[float, bytes]) -> Response:
    """Read a stream whose pieces came so many milliseconds after the request."""
    stream = AnswerStream(started_at=SENT_AT, broken_off=READER.broken_off)
    for after_ms, content in timed:
        stream.feed(content, SENT_AT + after_ms / 1000)
    ended_at = SENT_AT + timed[-1][0] / 1000
    stream.close(ended_at)
    answer = stream.answer()
    spoken = spoken_in_chat(answer["choices"][0])
    return Response(
        text=spoken.text,
        tool_calls=spoken.tool_calls,
        finish_reason=spoken.finish_reason,
        usage=usage_of(answer),
        timing=stream.timing(ended_at),
    )


async def asked(ask: Ask) -> AnyResponse:
    return await ask(QUESTION)


def figures(responses: Sequence[Response]) -> dict[str, Any]:
    """Sum up a run of one document an answer, as its samples tell it."""
    run = RequestLog()
    for doc_id, response in enumerate(responses):
        log = DocumentLog()

        async def ask(_: Request, answer: Response = response) -> AnyResponse:
            return answer

        asyncio.run(asked(log.asking(ask)))
        usage = response.usage
        assert usage is not None
        sample: Any = {
            "task": "t",
            "doc_id": doc_id,
            "timing": {"started_s": 0.0, "latency_s": 1.0, **log.times(SENT_AT)},
            "token_counts": {
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
            },
        }
        run.add(sample)
    return load_figures(run)["metrics"]  # type: ignore[no-any-return]


def test_the_first_token_may_be_a_thought() -> None:
    told = figures(
        [
            received(
                (100, event({"reasoning_content": "hm"})),
                (400, event({"content": "4"})),
                (500, end(3)),
            )
        ]
    )

    assert told["ttft_ms"]["p50"] == pytest.approx(100)
    assert told["ttfo_ms"]["p50"] == pytest.approx(400)
    assert told["itl_ms"]["p50"] == pytest.approx(300 / 2)
    assert told["tpot_ms"]["p50"] == pytest.approx(400 / 2)


def test_an_event_that_names_the_role_is_no_token() -> None:
    told = figures(
        [
            received(
                (0, event({"role": "assistant", "content": ""})),
                (100, event({"content": "4"})),
                (120, end(1)),
            )
        ]
    )

    assert told["ttft_ms"]["min"] == pytest.approx(100)


def test_an_answer_of_calls_alone_has_its_first_token_too() -> None:
    opening = {"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}
    pieces = ['{"a"', ": ", "[1,", " 2", "]}"]
    timed = [(100.0, event({"tool_calls": [opening]}))]
    for number, piece in enumerate(pieces):
        delta = {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
        timed.append((110.0 + 10 * number, event(delta)))
    response = received(*timed, (200.0, end(12, "tool_calls")))

    told = figures([response])

    assert response.finish_reason == "tool_calls"
    assert [call.arguments for call in response.tool_calls] == ['{"a": [1, 2]}']
    assert told["ttft_ms"]["p50"] == pytest.approx(100)
    assert told["ttfo_ms"]["n"] == 0
    assert told["osl_tokens"]["p50"] == 12


@pytest.mark.parametrize("tokens", [0, 1])
def test_of_fewer_than_two_tokens_there_is_no_time_between(tokens: int) -> None:
    role = (50.0, event({"role": "assistant", "content": ""}))
    said = [role, *[(100.0, event({"content": "4"}))] * tokens]
    told = figures([received(*said, (200.0, end(tokens)))])

    assert (told["tpot_ms"]["n"], told["itl_ms"]["n"]) == (0, 0)
    assert (told["tpot_ms"]["p50"], told["itl_ms"]["p50"]) == (None, None)
    assert told["e2el_ms"]["p50"] == pytest.approx(200)
