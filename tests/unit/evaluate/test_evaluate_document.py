from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.codec import decode
from pytest_evalkit.errors import (
    ModelUnavailableError,
    RequestRejectedError,
    ResultsError,
)
from pytest_evalkit.evaluate import (
    DocumentOutcome,
    Evaluation,
    evaluate_document,
    skip_document,
)
from pytest_evalkit.scoring import DEFAULT_REASONING_TAGS
from pytest_evalkit.tasks import OpenedTask, Prepared
from pytest_evalkit.values import Request, Response, Timing, Usage

if TYPE_CHECKING:
    from tests.unit.evaluate.conftest import OpenTask


class Journal:
    """Keeps what is recorded, as the bytes that a file would get."""

    def __init__(self) -> None:
        self.content = b""

    def __call__(self, lines: bytes) -> None:
        self.content += lines

    @property
    def samples(self) -> list[dict[str, Any]]:
        assert self.content.endswith(b"\n")
        return [decode(line) for line in self.content.splitlines()]


def evaluate(
    opened: OpenedTask, answer: Callable[[Request], Response], doc_id: int = 0
) -> tuple[DocumentOutcome, list[dict[str, Any]]]:
    async def ask(request: Request) -> Response:
        return answer(request)

    journal = Journal()
    evaluation = Evaluation(
        opened=opened,
        ask=ask,
        record=journal,
        reasoning_tags=DEFAULT_REASONING_TAGS,
        started_at=time.monotonic(),
    )
    outcome = asyncio.run(evaluate_document(evaluation, doc_id))
    return outcome, journal.samples


def saying(text: str, **facts: Any) -> Callable[[Request], Response]:
    return lambda _: Response(text=text, **facts)


def test_a_right_answer_is_scored_and_recorded(open_task: OpenTask) -> None:
    outcome, (sample,) = evaluate(open_task(), saying("4"), doc_id=1)

    assert outcome.status == "scored"
    assert outcome.scores == {"exact_match,none": 1.0}
    assert outcome.primary == ("exact_match,none", 1.0)
    assert outcome.message is None
    assert sample["doc_id"] == 1
    assert sample["item_id"] == "b"
    assert sample["input"] == [{"role": "user", "content": "2+2="}]
    assert (sample["target"], sample["filtered_resps"]) == ("4", "4")
    assert sample["exact_match"] == 1.0
    assert sample["metrics"] == ["exact_match"]


def test_a_wrong_answer_is_a_low_score_and_no_error(open_task: OpenTask) -> None:
    outcome, (sample,) = evaluate(open_task(), saying("5"))

    assert (outcome.status, outcome.scores) == ("scored", {"exact_match,none": 0.0})
    assert "error" not in sample


def test_an_empty_answer_is_an_answer(open_task: OpenTask) -> None:
    outcome, (sample,) = evaluate(open_task(), saying(""))

    assert outcome.status == "scored"
    assert sample["filtered_resps"] == ""


def test_no_answer_is_an_error_with_its_attempts(open_task: OpenTask) -> None:
    def refuse(_: Request) -> Response:
        error = RequestRejectedError("HTTP 400: too long")
        error.attempts = 3
        raise error

    outcome, (sample,) = evaluate(open_task(), refuse)

    assert (outcome.status, outcome.scores) == ("error", {})
    assert outcome.message == "no answer: HTTP 400: too long"
    assert outcome.primary is None
    assert sample["status"] == "error"
    assert sample["error"] == outcome.message
    assert sample["attempts"] == 3
    assert sample["target"] == "2"
    assert sample["metrics"] == []
    assert "exact_match" not in sample


def test_a_model_that_is_gone_is_no_error_of_the_document(open_task: OpenTask) -> None:
    def gone(_: Request) -> Response:
        raise ModelUnavailableError("connection refused")

    with pytest.raises(ModelUnavailableError):
        evaluate(open_task(), gone)


def test_a_full_disk_is_no_error_of_the_document(open_task: OpenTask) -> None:
    async def ask(_: Request) -> Response:
        return Response(text="2")

    def full(_: bytes) -> None:
        raise ResultsError("cannot write: no space left")

    evaluation = Evaluation(
        opened=open_task(), ask=ask, record=full, reasoning_tags=(), started_at=0.0
    )

    with pytest.raises(ResultsError):
        asyncio.run(evaluate_document(evaluation, 0))


def pictured(
    opened: OpenedTask,
    ask: Callable[[Request], Coroutine[Any, Any, Response]],
    picture: Callable[[Prepared], None],
    journal: Journal,
) -> Evaluation:
    return Evaluation(
        opened=opened,
        ask=ask,
        record=journal,
        reasoning_tags=(),
        started_at=0.0,
        picture=picture,
    )


def test_an_interrupt_leaves_nothing_of_a_document_at_work(open_task: OpenTask) -> None:
    """Who waits for two things at once must not leave one when the other ends."""
    seen: list[int] = []

    async def ask(_: Request) -> Response:
        seen.append(len(asyncio.all_tasks()))
        return Response(text="2")

    evaluation = pictured(open_task(), ask, lambda _: None, Journal())

    asyncio.run(evaluate_document(evaluation, 0))

    assert seen == [1]


def test_a_document_without_an_answer_has_its_pictures(open_task: OpenTask) -> None:
    kept: list[Prepared] = []
    journal = Journal()

    async def refuse(_: Request) -> Response:
        raise RequestRejectedError("HTTP 400: too long")

    evaluation = pictured(open_task(), refuse, kept.append, journal)

    outcome = asyncio.run(evaluate_document(evaluation, 0))

    assert outcome.status == "error"
    assert len(kept) == 1
    assert len(journal.samples) == 1


def test_pictures_that_cannot_be_kept_stop_the_run(open_task: OpenTask) -> None:
    async def ask(_: Request) -> Response:
        return Response(text="2")

    def full(_: Prepared) -> None:
        raise ResultsError("cannot write: no space left")

    with pytest.raises(ResultsError):
        asyncio.run(evaluate_document(pictured(open_task(), ask, full, Journal()), 0))


def test_thought_is_taken_out_before_filters_and_kept(open_task: OpenTask) -> None:
    answer = saying("<think>3? no, 2</think>\n2")

    outcome, (sample,) = evaluate(open_task(), answer)

    assert outcome.scores == {"exact_match,none": 1.0}
    assert sample["resps"] == "<think>3? no, 2</think>\n2"
    assert (sample["filtered_resps"], sample["reasoning"]) == ("2", "3? no, 2")


def test_thought_that_never_ended_is_told(open_task: OpenTask) -> None:
    outcome, (sample,) = evaluate(open_task(), saying("<think>2, or is it"))

    assert outcome.scores == {"exact_match,none": 0.0}
    assert sample["reasoning_truncated"] is True


def test_thought_that_came_apart_is_kept_as_it_came(open_task: OpenTask) -> None:
    _, (sample,) = evaluate(open_task(), saying("2", reasoning="one and one"))

    assert sample["reasoning"] == "one and one"
    assert "resps" not in sample


def test_each_filter_has_a_sample_and_a_score(open_task: OpenTask) -> None:
    digits = {"function": "regex", "regex_pattern": r"(\d)"}
    filters = [
        {"name": "digits", "filter": [digits, {"function": "take_first"}]},
        {"name": "whole", "filter": [{"function": "take_first"}]},
    ]

    outcome, samples = evaluate(open_task(filter_list=filters), saying("It is 2."))

    assert outcome.scores == {"exact_match,digits": 1.0, "exact_match,whole": 0.0}
    assert [sample["filter"] for sample in samples] == ["digits", "whole"]
    assert [sample["filtered_resps"] for sample in samples] == ["2", "It is 2."]
    assert [sample.get("resps") for sample in samples] == ["It is 2.", None]


def test_every_request_of_a_model_that_calls_tools_is_timed(
    open_task: OpenTask,
) -> None:
    timing = Timing(started_at=0.0, latency_s=0.25, turns_s=(0.5, 0.25))

    _, (sample,) = evaluate(open_task(), lambda _: Response(text="2", timing=timing))

    assert sample["request_latency_s"] == [0.5, 0.25]


def test_repeats_are_recorded_together(open_task: OpenTask) -> None:
    def answer(request: Request) -> Response:
        assert request.origin is not None
        repeat = request.origin.repeat
        return Response(
            text=str(repeat + 2),
            attempts=repeat + 1,
            finish_reason="stop",
            usage=Usage(input_tokens=10, output_tokens=repeat),
            timing=Timing(started_at=0.0, latency_s=0.5),
        )

    outcome, (sample,) = evaluate(open_task(repeats=3), answer)

    assert outcome.scores == {"exact_match,none": 1.0}
    assert sample["resps"] == ["2", "3", "4"]
    assert sample["filtered_resps"] == "2"
    assert sample["attempts"] == 3
    assert sample["finish_reason"] == ["stop"] * 3
    assert sample["request_latency_s"] == [0.5] * 3
    assert sample["token_counts"] == {
        "input_tokens": 30,
        "output_tokens": 3,
        "reasoning_tokens": None,
        "cached_tokens": None,
    }


@pytest.mark.parametrize(
    ("function", "said", "line"),
    [("fails", "ZeroDivisionError: division by", 1), ("ends", "StopIteration: ", 2)],
)
def test_a_scorer_that_raises_is_blamed_with_its_line(
    open_task: OpenTask, function: str, said: str, line: int
) -> None:
    more = f"process_results: !function utils.{function}\n"
    opened = open_task(more, metric_list=[{"metric": "acc"}])

    outcome, (sample,) = evaluate(opened, saying("2"))

    assert outcome.status == "error"
    assert sample["error"] == outcome.message
    assert outcome.message is not None
    assert outcome.message.startswith(f"scorer raised {said}")
    assert outcome.message.endswith(f"utils.py:{line})")


def test_a_value_that_cannot_be_written_is_an_error(open_task: OpenTask) -> None:
    more = "process_results: !function utils.complex_number\n"

    outcome, _ = evaluate(open_task(more, metric_list=[{"metric": "acc"}]), saying("2"))

    assert outcome.status == "error"


def test_lone_surrogates_in_an_answer_are_recorded(open_task: OpenTask) -> None:
    outcome, (sample,) = evaluate(open_task(), saying("\ud83d"))

    assert outcome.status == "scored"
    assert sample["filtered_resps"] == "\ud83d"


def test_a_skipped_document_is_recorded_with_the_reason(open_task: OpenTask) -> None:
    journal = Journal()

    outcome = skip_document(open_task(), 1, "needs judge", journal)

    (sample,) = journal.samples
    assert (outcome.status, outcome.message) == ("skipped", "needs judge")
    assert (sample["status"], sample["error"]) == ("skipped", "needs judge")
    assert (sample["doc_id"], sample["item_id"], sample["attempts"]) == (1, "b", 0)


def test_the_primary_score_is_the_first_that_is_a_number() -> None:
    outcome = DocumentOutcome(
        task="sums",
        doc_id=0,
        status="scored",
        scores={"words,none": ["a"], "acc,none": 0.5, "f1,none": 1.0},
        message=None,
        duration_s=0.0,
    )

    assert outcome.primary == ("acc,none", 0.5)


def test_an_answer_that_was_not_found_is_told_from_a_wrong_one(
    open_task: OpenTask,
) -> None:
    number = {"name": "number", "filter": [{"function": "number"}]}
    opened = open_task(filter_list=[{**number}])

    _, (wrong,) = evaluate(opened, saying("It is 3."))
    _, (unclear,) = evaluate(opened, saying("Who knows?"))

    assert (wrong["parse_status"], wrong["parse_rule"]) == ("found", "digits")
    assert (unclear["parse_status"], unclear["parse_rule"]) == ("none", None)
    assert wrong["exact_match"] == unclear["exact_match"] == 0.0


def test_each_repeat_says_whether_its_answer_was_found(open_task: OpenTask) -> None:
    number = {"name": "number", "filter": [{"function": "number"}]}
    opened = open_task(filter_list=[{**number}], repeats=2)
    answers = iter(["2", "?"])

    _, (sample,) = evaluate(opened, lambda _: Response(text=next(answers)))

    assert sample["parse_status"] == ["found", "none"]


def test_where_nothing_reads_answers_nothing_is_told(open_task: OpenTask) -> None:
    _, (sample,) = evaluate(open_task(), saying("2"))

    assert not {"parse_status", "parse_rule"} & set(sample)


@pytest.mark.parametrize(
    ("group_by", "cluster"), [("answer", "4"), (["question", "answer"], '["2+2","4"]')]
)
def test_a_sample_says_which_bundle_its_document_is_of(
    open_task: OpenTask, group_by: Any, cluster: str
) -> None:
    opened = open_task(metadata={"group_by": group_by})

    _, (sample,) = evaluate(opened, saying("4"), doc_id=1)

    assert sample["cluster"] == cluster


def test_what_documents_are_clustered_by_goes_before_their_bundle(
    open_task: OpenTask,
) -> None:
    opened = open_task(metadata={"group_by": "answer"}, cluster_key="question")

    _, (sample,) = evaluate(opened, saying("4"), doc_id=1)

    assert sample["cluster"] == "2+2"


def test_a_document_that_stands_alone_has_no_cluster(open_task: OpenTask) -> None:
    _, (sample,) = evaluate(open_task(), saying("4"))

    assert "cluster" not in sample


def test_a_sample_says_what_its_document_can_be_selected_by(
    open_task: OpenTask,
) -> None:
    opened = open_task(metadata={"version": 1.0, "keywords": ["question"]})

    _, (scored,) = evaluate(opened, saying("2"))
    _, (without,) = evaluate(open_task(), saying("2"))

    assert scored["categories"] == {"question": "1+1"}
    assert "categories" not in without
