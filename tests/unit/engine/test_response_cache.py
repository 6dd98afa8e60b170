from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.engine import ResponseCache
from pytest_evalkit.engine.answer_file import AnswerFile
from pytest_evalkit.engine.question import Question, identity_hash, question_of
from pytest_evalkit.engine.response_cache import Asked, CacheCounts
from pytest_evalkit.messages import Message, ToolCallPart
from pytest_evalkit.models.backend import Identity
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    GenerationParameters,
    LoglikelihoodResponse,
    Recalled,
    Response,
    Timing,
    TokenLogprob,
    Usage,
)

ASKED = Asked("m", '{"model":"m"}')
USAGE = Usage(input_tokens=3, output_tokens=4, reasoning_tokens=0)
TIMING = Timing(started_at=70.0, latency_s=0.5, ttft_s=0.1, gaps_s=(0.1, 0.2))
FULL = Response(
    text="four\ud800",
    reasoning="two and two",
    refusal="no",
    tool_calls=(ToolCallPart("1", "add", '{"a": 2}'),),
    finish_reason="stop",
    logprobs=(TokenLogprob(token="four", logprob=-0.5, top=(("four", -0.5),)),),
    usage=USAGE,
    timing=TIMING,
    attempts=3,
    notes=("an image was made smaller",),
)


def question(text: str, **extra: Any) -> Question:
    request = Generate(
        messages=(Message.of_text("user", text),),
        parameters=GenerationParameters(extra=extra),
    )
    return question_of(request, identity_hash(Identity(facts={}, temperature=0.0)))


@contextmanager
def cache(folder: Path, **keywords: Any) -> Iterator[ResponseCache]:
    with closing(ResponseCache(folder, **keywords)) as one:
        yield one


def kept(folder: Path, response: AnyResponse) -> AnyResponse | None:
    """Keep an answer, and find it in the next run."""
    with cache(folder) as one:
        one.keep(question("2+2"), ASKED, response)
    with cache(folder) as other:
        return other.find(question("2+2"))


def test_an_answer_comes_back_whole_but_for_its_times(tmp_path: Path) -> None:
    recalled = Recalled(requests=1, usage=USAGE, latency_s=0.5)
    expected = Response(
        text=FULL.text,
        reasoning=FULL.reasoning,
        refusal=FULL.refusal,
        tool_calls=FULL.tool_calls,
        finish_reason=FULL.finish_reason,
        logprobs=FULL.logprobs,
        usage=FULL.usage,
        notes=FULL.notes,
        timing=None,
        attempts=0,
        recalled=recalled,
    )

    assert kept(tmp_path, FULL) == expected


@pytest.mark.parametrize("logprob", [-1.5, float("-inf")])
def test_a_likelihood_comes_back_whole(tmp_path: Path, logprob: float) -> None:
    told = LoglikelihoodResponse(logprob=logprob, is_greedy=True, n_tokens=2)

    assert kept(tmp_path, told) == LoglikelihoodResponse(
        logprob=logprob,
        is_greedy=True,
        n_tokens=2,
        attempts=0,
        recalled=Recalled(requests=1),
    )


def test_what_is_counted(tmp_path: Path) -> None:
    with cache(tmp_path) as first:
        first.find(question("a"))
        first.keep(question("a"), ASKED, Response(text="1"))
        first.keep(question("a"), ASKED, Response(text="2"))
    with cache(tmp_path) as second:
        second.find(question("a"))
        second.find(question("b"))

    assert first.counts == CacheCounts(hits=0, misses=1, stores=1)
    assert second.counts == CacheCounts(hits=1, misses=1, stores=0)


@pytest.mark.parametrize(
    "broken",
    [
        Response(text="par", finish_reason="abort"),
        Response(text="par", finish_reason="error"),
        Response(text="p", timing=Timing(started_at=0, latency_s=1, bad_frames=1)),
    ],
)
def test_what_was_broken_off_is_no_answer(tmp_path: Path, broken: Response) -> None:
    assert kept(tmp_path, broken) is None


@pytest.mark.parametrize(
    "whole",
    [
        Response(text="", finish_reason="stop"),
        Response(text="cut", finish_reason="length"),
        Response(text="a", timing=Timing(started_at=0, latency_s=1, bad_frames=0)),
    ],
)
def test_an_answer_may_be_short_or_empty(tmp_path: Path, whole: Response) -> None:
    found = kept(tmp_path, whole)

    assert isinstance(found, Response)
    assert found.text == whole.text


def test_keeping_and_finding_wait_for_no_writer(tmp_path: Path) -> None:
    with closing(AnswerFile(tmp_path, create=True)) as other, cache(tmp_path) as one:
        with other.writing():
            # Nobody else can write until this block ends.
            one.keep(question("a"), ASKED, Response(text="1"))
            found = one.find(question("b"))
        one.close()
        again = other.find(question("a").key)

    assert found is None
    assert again is not None


def test_an_answer_is_there_for_others_while_the_run_goes_on(tmp_path: Path) -> None:
    arrived = threading.Event()
    with cache(tmp_path) as one, cache(tmp_path) as other:
        one.keep(question("a"), ASKED, Response(text="1"))
        for _ in range(600):
            if other.find(question("a")) is not None:
                arrived.set()
                break
            arrived.wait(0.05)

    assert arrived.is_set()


def test_what_cannot_be_written_costs_the_cache_and_not_the_run(tmp_path: Path) -> None:
    with closing(AnswerFile(tmp_path, create=True)) as other, other.writing():
        other.connection.execute("DROP TABLE models")

    with cache(tmp_path) as one:
        one.keep(question("a"), ASKED, Response(text="1"))

    assert one.problem == (
        f"the response cache {tmp_path}/responses.sqlite cannot be used: no such table: "
        "models; name another folder with --use-cache, or remove the file"
    )
    assert one.counts.stores == 0


def test_a_damaged_cache_is_left_alone_from_then_on(tmp_path: Path) -> None:
    with cache(tmp_path) as one:
        one.keep(question("a"), ASKED, Response(text="1"))
        one.keep(question("b"), ASKED, Response(text="2"))
    with closing(AnswerFile(tmp_path, create=False)) as file:
        file.change(
            "UPDATE answers SET checksum = 0 WHERE key = ?", [question("a").key]
        )

    with cache(tmp_path) as again:
        found = [again.find(question(text)) for text in ("a", "b")]
        again.keep(question("c"), ASKED, Response(text="3"))

    assert found == [None, None]
    assert again.counts == CacheCounts(hits=0, misses=2, stores=0)
    assert again.problem is not None
    assert "an answer in it is damaged" in again.problem


def test_no_secret_of_a_question_is_written(tmp_path: Path) -> None:
    with cache(tmp_path) as one:
        one.keep(question("a", api_key="sk-hush"), ASKED, Response(text="1"))
        one.keep(question("a", api_key="sk-other"), ASKED, Response(text="2"))
    from pytest_evalkit.engine.answer_upkeep import exported

    entries = list(exported(tmp_path))

    assert [entry["asked"]["parameters"]["extra"] for entry in entries] == [
        {"api_key": "***"}
    ] * 2
    for path in tmp_path.iterdir():
        assert b"sk-hush" not in path.read_bytes()


def test_closing_a_cache_that_kept_nothing_is_harmless(tmp_path: Path) -> None:
    with cache(tmp_path) as one:
        one.close()

    assert one.problem is None
