from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.sinks.request_spans import DocumentSpans, document_spans
from tests.unit.sinks.conftest import STARTED, sample, write_run

START_NS = round((STARTED + 1.0) * 1e9)


def spans_of(
    tmp_path: Path, *samples: Any, with_content: bool = False
) -> DocumentSpans:
    run = write_run(tmp_path / "run", *samples)
    (found,) = document_spans(
        iter([list(run.samples())]), run.results, with_content=with_content
    )
    return found


def test_a_document_is_a_span_with_its_scores_as_events(tmp_path: Path) -> None:
    other = {"filter": "loose", "acc": {"score": 0.5, "category": "a"}}

    document = spans_of(tmp_path, sample(3), sample(3, **other)).document

    assert document.name == "evaluate sums"
    assert (document.start_ns, document.end_ns) == (START_NS, START_NS + 2 * 10**9)
    assert document.attributes["evalkit.document.id"] == "q3"
    assert [attributes for _, attributes in document.events] == [
        {
            "gen_ai.evaluation.name": "acc,strict",
            "gen_ai.evaluation.score.value": 1.0,
        },
        {
            "gen_ai.evaluation.name": "acc,loose",
            "gen_ai.evaluation.score.value": 0.5,
        },
    ]


def test_a_request_is_a_span_by_the_conventions(tmp_path: Path) -> None:
    (request,) = spans_of(tmp_path, sample(0)).requests

    assert request.name == "chat tiny"
    assert request.end_ns - request.start_ns == 500_000_000
    assert request.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "tiny",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 16,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.input_tokens": 8,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "server.address": "localhost",
        "server.port": 8123,
        "evalkit.request.start_is_known": False,
    }


def test_a_request_stands_where_it_was_sent(tmp_path: Path) -> None:
    timing = {"started_s": 1.0, "latency_s": 2.0, "sent_at_s": 2.25}

    (request,) = spans_of(tmp_path, sample(0, timing=timing)).requests

    assert request.start_ns == round((STARTED + 2.25) * 1e9)
    assert "evalkit.request.start_is_known" not in request.attributes


def test_each_repeat_is_a_request_and_tokens_are_the_documents(tmp_path: Path) -> None:
    found = spans_of(
        tmp_path,
        sample(0, request_latency_s=[0.5, 0.75], finish_reason=["stop", "length"]),
    )

    first, second = found.requests
    assert second.attributes["gen_ai.response.finish_reasons"] == ["length"]
    assert "gen_ai.usage.output_tokens" not in first.attributes
    assert found.document.attributes["gen_ai.usage.output_tokens"] == 3


def test_each_request_has_its_own_tokens_and_status(tmp_path: Path) -> None:
    timing = {
        "started_s": 1.0,
        "latency_s": 4.0,
        "request_s": [0.5, 1.5],
        "sent_at_s": [1.25, 2.0],
        "request_status": ["successful", "errored"],
        "output_tokens": [3, None],
    }

    first, second = spans_of(tmp_path, sample(0, timing=timing)).requests

    assert second.start_ns == round((STARTED + 2.0) * 1e9)
    assert second.end_ns - second.start_ns == 1_500_000_000
    assert (first.error, second.error) == (None, "errored")
    assert first.attributes["gen_ai.usage.output_tokens"] == 3
    assert "gen_ai.usage.output_tokens" not in second.attributes


def test_an_error_is_one_in_the_trace(tmp_path: Path) -> None:
    line = sample(0, status="error", error="timed out: no answer in 5 s", metrics=[])
    del line["request_latency_s"], line["acc"]

    found = spans_of(tmp_path, line)

    assert found.document.error == "timed out: no answer in 5 s"
    assert found.document.attributes["error.type"] == "timed out"
    assert not found.requests


def test_prompts_and_answers_are_told_only_when_asked(tmp_path: Path) -> None:
    quiet = spans_of(tmp_path / "a", sample(0)).requests[0].attributes
    told = spans_of(tmp_path / "b", sample(0), with_content=True).requests[0].attributes

    assert "gen_ai.input.messages" not in quiet
    assert json.loads(told["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "2+2="}]}
    ]
    assert json.loads(told["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "It is 4"}],
            "finish_reason": "stop",
        }
    ]


def test_documents_without_times_have_no_trace(tmp_path: Path) -> None:
    line = sample(0)
    del line["timing"]
    run = write_run(tmp_path / "run", line)

    found = document_spans(iter([list(run.samples())]), run.results, with_content=False)

    assert list(found) == []


def test_names_are_those_of_the_semantic_conventions(tmp_path: Path) -> None:
    names = pytest.importorskip(
        "opentelemetry.semconv._incubating.attributes.gen_ai_attributes"
    )
    known = {value for value in vars(names).values() if isinstance(value, str)}
    line = sample(0)
    line["token_counts"]["reasoning_tokens"] = 1

    found = spans_of(tmp_path, line, with_content=True)

    told = {*found.requests[0].attributes}
    told |= {name for _, event in found.document.events for name in event}
    assert {name for name in told if name.startswith("gen_ai.")} <= known
