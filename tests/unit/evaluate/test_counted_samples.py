from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.evaluate import Evaluation, evaluate_document
from pytest_evalkit.evaluate.counting import (
    CountingTally,
    UncountedDocument,
    counted_samples,
)
from pytest_evalkit.tasks import OpenedTask
from pytest_evalkit.values import (
    Counted,
    Exchange,
    Recalled,
    Response,
    Timing,
    TokenSource,
    Uncounted,
    Usage,
)
from tests.unit.evaluate.answering import answering
from tests.unit.evaluate.leading import FIVE, Talk, right

PAYLOAD = b'{"messages": "three words here"}'
TIMING = Timing(
    started_at=5.0,
    latency_s=2.0,
    ttft_s=0.25,
    ttfo_s=0.5,
    gaps_s=(0.25, 0.5),
    n_chunks=3,
    bad_frames=0,
)
UNTOLD = {"reasoning_tokens": None, "cached_tokens": None}
OpenTask = Callable[..., OpenedTask]


class Words:
    """Counts words: of a prompt those of its payload, of an answer those it says."""

    def __init__(
        self, source: TokenSource = "template", problem: str | None = None
    ) -> None:
        self.source: TokenSource = source
        self.problem = problem

    def count(self, uncounted: Uncounted) -> Counted:
        payload = uncounted.payload
        prompt = None if payload is None else json.loads(payload)["messages"].split()
        return Counted(
            input_tokens=None if prompt is None else len(prompt),
            output_tokens=len(uncounted.choice["text"].split()),
            source=self.source,
            problem=self.problem,
        )


def said(
    text: str,
    usage: Usage | None = None,
    payload: bytes | None = PAYLOAD,
    timing: Timing | None = None,
) -> Response:
    uncounted = Uncounted(payload=payload, choice={"text": text})
    return Response(text=text, usage=usage, timing=timing, uncounted=uncounted)


def read_again(document: UncountedDocument) -> UncountedDocument:
    """Write what a document left to a file, and read it from there."""
    file = io.BytesIO()
    assert document.write(file, bytes) == len(file.getvalue())
    file.seek(0)
    read = UncountedDocument.read(file)
    assert read is not None
    assert UncountedDocument.read(file) is None
    return read


class Document:
    """One document, answered by hand; what it records and what it leaves behind."""

    def __init__(self, opened: OpenedTask, *answers: Response | Exception) -> None:
        self.lines: list[bytes] = []
        self.left: list[UncountedDocument] = []
        evaluation = Evaluation(
            opened=opened,
            ask=answering(answers),
            record=self.lines.append,
            reasoning_tags=[],
            started_at=0.0,
            count_later=self.left.append,
        )
        self.outcome = asyncio.run(evaluate_document(evaluation, 0))

    @property
    def recorded(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in b"".join(self.lines).split(b"\n") if line]

    def counted(
        self, words: Words | None = None
    ) -> tuple[list[dict[str, Any]], CountingTally]:
        """Count; give the samples that come of it."""
        tally = CountingTally()
        (left,) = self.left
        lines = counted_samples(read_again(left), words or Words(), tally)
        return [json.loads(line) for line in lines.split(b"\n") if line], tally


def test_a_sample_without_counts_is_written_again_with_them(
    open_task: OpenTask,
) -> None:
    # The separator of lines is no end of a line of JSON.
    document = Document(open_task(), said("one two\u2028three", timing=TIMING))

    (sample,), tally = document.counted()

    (before,) = document.recorded
    assert "token_counts" not in before
    counts = {"input_tokens": 3, "output_tokens": 3, **UNTOLD}
    assert sample["token_counts"] == counts
    timing = sample["timing"]
    assert timing["token_source"] == "template"
    assert timing["inter_token_s"] == 0.375
    unchanged = {**before, "token_counts": counts, "timing": timing}
    assert sample == unchanged
    assert {**timing, "inter_token_s": None} == {
        **before["timing"],
        "token_source": "template",
    }
    assert (tally.requests, tally.compared) == (1, {})


def test_each_filter_gets_the_counts(open_task: OpenTask) -> None:
    filters = [
        {"name": name, "filter": [{"function": "take_first"}]} for name in ("a", "b")
    ]
    document = Document(open_task(filter_list=filters), said("x"))

    samples, tally = document.counted()

    assert [one["token_counts"]["input_tokens"] for one in samples] == [3, 3]
    assert tally.requests == 1


def test_requests_of_one_document_are_counted_one_by_one(open_task: OpenTask) -> None:
    told = Usage(input_tokens=7, output_tokens=5)
    document = Document(
        open_task(repeats=3), said("one two"), said("x", told), said("y", timing=TIMING)
    )

    (sample,), tally = document.counted(Words("text", "prompts: no template"))

    timing = sample["timing"]
    assert timing["input_tokens"] == [3, 7, 3]
    assert timing["output_tokens"] == [2, 5, 1]
    assert timing["token_source"] == ["text", "server", "text"]
    assert sample["token_counts"] == {
        "input_tokens": 13,
        "output_tokens": 8,
        **UNTOLD,
    }
    assert tally.requests == 2
    assert (tally.without_template, tally.problem) == (3, "prompts: no template")
    assert tally.compared == {
        "input_tokens": {"requests": 1, "server": 7, "here": 3},
        "output_tokens": {"requests": 1, "server": 5, "here": 1},
    }


def test_what_the_server_told_is_only_compared(open_task: OpenTask) -> None:
    document = Document(
        open_task(), said("one two", Usage(input_tokens=4, output_tokens=2))
    )

    samples, tally = document.counted()

    assert samples == []
    assert tally.requests == 0
    assert tally.line("gw1") == {
        "process": "gw1",
        "requests": 0,
        "compared": {
            "input_tokens": {"requests": 1, "server": 4, "here": 3},
            "output_tokens": {"requests": 1, "server": 2, "here": 2},
        },
        "without_template": 0,
        "problem": None,
    }


def test_what_the_server_told_stays(open_task: OpenTask) -> None:
    told = Usage(input_tokens=9, cached_tokens=4)
    document = Document(open_task(), said("one two", told))

    (sample,), _ = document.counted()

    assert sample["token_counts"] == {
        "input_tokens": 9,
        "output_tokens": 2,
        "reasoning_tokens": None,
        "cached_tokens": 4,
    }


def test_a_prompt_with_media_stays_unknown(open_task: OpenTask) -> None:
    document = Document(open_task(), said("one two", payload=None))

    (sample,), _ = document.counted()

    assert sample["token_counts"] == {
        "input_tokens": None,
        "output_tokens": 2,
        **UNTOLD,
    }


def test_what_cannot_be_counted_at_all_changes_nothing(open_task: OpenTask) -> None:
    told = Usage(output_tokens=2)
    document = Document(open_task(), said("one two", told, payload=None))

    samples, tally = document.counted()

    assert (samples, tally.requests) == ([], 0)


def test_a_document_that_is_not_to_be_counted_leaves_nothing(
    open_task: OpenTask,
) -> None:
    assert Document(open_task(), Response(text="x")).left == []
    assert Document(open_task(), RequestRejectedError("no")).left == []
    recalled = Response(text="x", attempts=0, recalled=Recalled(requests=1))
    assert Document(open_task(), recalled).left == []


def test_an_answer_before_a_failure_is_counted(open_task: OpenTask) -> None:
    document = Document(
        open_task(repeats=2), said("one two"), RequestRejectedError("no")
    )

    (sample,), _ = document.counted()

    assert document.outcome.status == sample["status"] == "error"
    assert sorted(sample["timing"]["request_status"]) == ["errored", "successful"]
    place = sample["timing"]["request_status"].index("successful")
    assert sample["timing"]["output_tokens"][place] == 2
    assert sample["timing"]["token_source"][1 - place] is None
    assert "token_counts" not in sample


def test_each_request_of_a_tool_loop_is_counted(open_task: OpenTask) -> None:
    exchanges = tuple(
        Exchange(
            timing=TIMING,
            usage=None,
            attempts=1,
            uncounted=Uncounted(payload=PAYLOAD, choice={"text": text}),
        )
        for text in ("a b c", "d")
    )
    answer = Response(text="d", exchanges=exchanges, uncounted=exchanges[-1].uncounted)
    document = Document(open_task(), answer)

    (sample,), tally = document.counted()

    assert sample["timing"]["output_tokens"] == [3, 1]
    assert sample["token_counts"]["output_tokens"] == 4
    assert tally.requests == 2


def test_each_turn_of_a_conversation_is_counted(tmp_path: Path) -> None:
    talk = Talk(tmp_path, FIVE)
    told = Usage(input_tokens=2, output_tokens=1)

    talk.run(lambda asked: said(right(asked), told if asked == "q2" else None))

    tally = CountingTally()
    (left,) = talk.uncounted
    sample = json.loads(counted_samples(read_again(left), Words(), tally))
    turns = sample["turns"]
    assert [one["token_counts"]["input_tokens"] for one in turns] == [3, 2, 3, 3, 3]
    assert [one.get("token_source") for one in turns] == [
        "template",
        None,
        *["template"] * 3,
    ]
    assert sample["token_counts"]["input_tokens"] == 14
    assert sample["timing"]["token_source"][1] == "server"
    assert (tally.requests, tally.compared["input_tokens"]["server"]) == (4, 2)


def test_a_conversation_that_failed_tells_the_tokens_of_its_answers(
    tmp_path: Path,
) -> None:
    talk = Talk(tmp_path, FIVE)

    def answer(asked: str) -> Response:
        if asked == "q2":
            raise RequestRejectedError("no")
        return said(right(asked))

    talk.run(answer)

    (left,) = talk.uncounted
    sample = json.loads(counted_samples(read_again(left), Words(), CountingTally()))
    counts = [turn["token_counts"] for turn in sample["turns"]]
    assert counts[0]["output_tokens"] == 1
    assert counts[1:] == [None] * 4
    assert sample["token_counts"]["input_tokens"] == 3
