from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.codec import decode
from pytest_evalkit.evaluate import DocumentOutcome, Evaluation, evaluate_document
from pytest_evalkit.models.backend import respond
from pytest_evalkit.models.oracle import Oracle
from pytest_evalkit.tasks import OpenedTask, TaskSettings
from pytest_evalkit.values import (
    AnyResponse,
    Loglikelihood,
    LoglikelihoodResponse,
    Request,
    Response,
    Timing,
    Usage,
)

if TYPE_CHECKING:
    from tests.unit.evaluate.conftest import OpenTask

_CHOICE: dict[str, Any] = {
    "output_type": "multiple_choice",
    "doc_to_choice": ["3", "4", "2"],
    "doc_to_target": "{{answer}}",
    "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
}


def _evaluated(
    opened: OpenedTask,
    answer: Callable[[Request], AnyResponse],
    doc_id: int = 0,
) -> tuple[DocumentOutcome, dict[str, Any]]:
    async def ask(request: Request) -> AnyResponse:
        return answer(request)

    lines: list[bytes] = []
    evaluation = Evaluation(
        opened=opened,
        ask=ask,
        record=lines.append,
        reasoning_tags=(),
        started_at=time.monotonic(),
    )
    outcome = asyncio.run(evaluate_document(evaluation, doc_id))
    (line,) = b"".join(lines).splitlines()
    return outcome, decode(line)


def _by_continuation(logprobs: dict[str, float]) -> Callable[[Request], AnyResponse]:
    def answer(request: Request) -> AnyResponse:
        assert isinstance(request, Loglikelihood)
        logprob = logprobs[request.continuation.strip()]
        return LoglikelihoodResponse(
            logprob=logprob,
            is_greedy=logprob > -1,
            usage=Usage(input_tokens=5, output_tokens=1),
            timing=Timing(started_at=0.0, latency_s=0.25),
            notes=("cut",),
        )

    return answer


def test_the_likeliest_choice_is_the_answer(open_task: OpenTask) -> None:
    opened = open_task(**{**_CHOICE, "doc_to_target": 2})
    answer = _by_continuation({"3": -3.0, "4": -2.0, "2": -0.5})

    outcome, sample = _evaluated(opened, answer)

    assert outcome.scores == {"acc,none": 1.0, "acc_norm,none": 1.0}
    assert sample["arguments"] == [["1+1=", " 3"], ["1+1=", " 4"], ["1+1=", " 2"]]
    assert sample["input"] == []
    assert sample["target"] == 2
    assert sample["filtered_resps"] == [[-3.0, False], [-2.0, False], [-0.5, True]]
    assert "resps" not in sample


def test_likelihoods_are_counted_and_timed_as_texts_are(open_task: OpenTask) -> None:
    opened = open_task(**{**_CHOICE, "doc_to_target": 2})

    _, sample = _evaluated(opened, _by_continuation({"3": -3, "4": -2, "2": -1}))

    assert sample["token_counts"]["input_tokens"] == 15
    assert sample["request_latency_s"] == [0.25, 0.25, 0.25]
    assert sample["notes"] == ["cut"]
    assert "finish_reason" not in sample


def test_repeats_of_a_likelihood_stand_in_a_list_of_their_own(
    open_task: OpenTask,
) -> None:
    opened = open_task(**{**_CHOICE, "doc_to_target": 2}, repeats=2)
    answer = _by_continuation({"3": -3.0, "4": -2.0, "2": -0.5})

    outcome, sample = _evaluated(opened, answer)

    assert outcome.scores["acc,none"] == 1.0
    assert sample["resps"][0] == [[-3.0, False], [-3.0, False]]
    assert len(sample["resps"]) == 3


def test_a_continuation_is_scored_as_it_is(open_task: OpenTask) -> None:
    opened = open_task(
        output_type="loglikelihood",
        doc_to_target="{{answer}}",
        metric_list=[{"metric": "acc"}, {"metric": "perplexity"}],
    )

    outcome, sample = _evaluated(opened, _by_continuation({"2": -0.5}))

    assert outcome.scores == {"acc,none": 1, "perplexity,none": -0.5}
    assert sample["arguments"] == [["1+1=", "2"]]
    assert sample["filtered_resps"] == [[-0.5, True]]


def test_a_whole_text_is_asked_for_without_its_prompt(open_task: OpenTask) -> None:
    opened = open_task(
        output_type="loglikelihood_rolling",
        doc_to_target="{{question}} is {{answer}}",
        metric_list=[{"metric": "word_perplexity"}],
    )

    def answer(_: Request) -> AnyResponse:
        return LoglikelihoodResponse(logprob=-6.0, is_greedy=False)

    outcome, sample = _evaluated(opened, answer)

    assert sample["arguments"] == [["1+1 is 2"]]
    assert sample["filtered_resps"] == [-6.0]
    assert list(outcome.scores.values()) == [(-6.0, 3)]


def test_a_target_that_is_no_text_has_no_likelihood(open_task: OpenTask) -> None:
    opened = open_task(output_type="loglikelihood", doc_to_target=3, metric_list=None)

    outcome, sample = _evaluated(opened, lambda _: Response(text=""))

    assert outcome.status == "error"
    assert "doc_to_target is 3 for document 0, but must be text" in sample["error"]


@pytest.mark.parametrize(
    "keys",
    [
        {"doc_to_target": 2},
        {"doc_to_target": "answer"},
        {"doc_to_target": "{{['4', '2'].index('2') + 1}}"},
        {"doc_to_target": 2, "doc_to_text": ""},
        {"doc_to_target": 2, "metric_list": [{"metric": "acc_mutual_info"}]},
        {
            "doc_to_target": 2,
            "doc_to_text": "",
            "metric_list": [{"metric": "acc_mutual_info"}],
        },
        {"doc_to_text": 1, "doc_to_target": "{{'yes'}}", "doc_to_choice": ["no", "so"]},
    ],
)
def test_the_oracle_is_always_right_about_choices(
    open_task: OpenTask, keys: dict[str, Any]
) -> None:
    opened = open_task(**{**_CHOICE, **keys})
    oracle = Oracle()

    outcome, _ = _evaluated(opened, lambda asked: asyncio_run(respond(oracle, asked)))

    assert outcome.status == "scored", outcome.message
    assert set(outcome.scores.values()) == {1.0}


def asyncio_run(coroutine: Any) -> AnyResponse:
    try:
        coroutine.send(None)
    except StopIteration as stop:
        response: AnyResponse = stop.value
        return response
    raise AssertionError("an oracle waits for nothing")


def test_a_letter_is_read_from_the_text_and_the_text_is_kept(
    open_task: OpenTask,
) -> None:
    settings = TaskSettings(choice_as_generation=True)
    opened = open_task(settings=settings, **{**_CHOICE, "doc_to_target": 2})

    outcome, sample = _evaluated(opened, lambda _: Response(text="It is (C), surely."))

    assert outcome.scores == {"choice_acc,none": 1.0}
    assert (sample["target"], sample["filtered_resps"]) == ("C", "C")
    assert sample["resps"] == "It is (C), surely."


def test_a_text_without_a_letter_is_wrong_and_no_error(open_task: OpenTask) -> None:
    settings = TaskSettings(choice_as_generation=True)
    opened = open_task(settings=settings, **{**_CHOICE, "doc_to_target": 2})

    outcome, sample = _evaluated(opened, lambda _: Response(text="No idea."))

    assert outcome.scores == {"choice_acc,none": 0.0}
    assert sample["filtered_resps"] == "[no answer]"
