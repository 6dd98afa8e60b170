from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pytest_evalkit.codec import decode
from pytest_evalkit.evaluate import DocumentOutcome, Evaluation, evaluate_document
from pytest_evalkit.scoring import DEFAULT_REASONING_TAGS
from pytest_evalkit.tasks import (
    DataSources,
    OpenedTask,
    TaskSettings,
    load_task,
)
from pytest_evalkit.values import (
    AnyResponse,
    LoglikelihoodResponse,
    Request,
    Response,
)

if TYPE_CHECKING:
    from tests.unit.evaluate.conftest import OpenTask

_CHOICE: dict[str, Any] = {
    "output_type": "multiple_choice",
    "doc_to_choice": ["3", "4", "2"],
    "metric_list": [{"metric": "acc_mutual_info"}],
}
_ROUNDS = """\
def see(doc):
    return []

def rounds(doc, previous_output=None, round_idx=None):
    if round_idx is None:
        return "first"
    if round_idx == 3:
        return None, None, True, previous_output, None
    return [], f"after {previous_output[-1]}", False, previous_output, None

def score(doc, results):
    return {"acc": float("|".join(results[0]) == "a|b|c")}
"""
# What a sample says of how it came about.
_OF_ASKING = ("timing", "attempts", "token_counts", "request_latency_s")


class Recorded:
    """A run of one document."""

    label = "RUN"

    def __init__(self, sample: Any) -> None:
        self.sample = sample

    def find(self, task: str, doc_hash: str, doc_id: int) -> Any:
        assert (task, doc_id) == (self.sample["task"], self.sample["doc_id"])
        assert doc_hash == self.sample["doc_hash"]
        return self.sample


def evaluated(
    opened: OpenedTask,
    answer: Callable[[Request], AnyResponse] | None = None,
    recorded: Recorded | None = None,
) -> tuple[DocumentOutcome, dict[str, Any]]:
    async def ask(request: Request) -> AnyResponse:
        assert answer is not None, "nobody is to be asked"
        return answer(request)

    lines: list[bytes] = []
    evaluation = Evaluation(
        opened=opened,
        ask=ask,
        record=lines.append,
        reasoning_tags=DEFAULT_REASONING_TAGS,
        started_at=time.monotonic(),
        recorded=recorded,
    )
    outcome = asyncio.run(evaluate_document(evaluation, 0))
    return outcome, decode(b"".join(lines).splitlines()[0])


def in_turn(*answers: Any) -> Callable[[Request], AnyResponse]:
    left: Iterator[Any] = iter(answers)
    return lambda _: next(left)


def texts(*answers: str) -> Callable[[Request], AnyResponse]:
    return in_turn(*(Response(text=text) for text in answers))


def likelihoods(*logprobs: float) -> Callable[[Request], AnyResponse]:
    return in_turn(
        *(LoglikelihoodResponse(logprob=one, is_greedy=one > -1) for one in logprobs)
    )


def open_rounds(root: Path, repeats: int) -> OpenedTask:
    (root / "utils.py").write_text(_ROUNDS, encoding="utf-8")
    (root / "test.jsonl").write_text(json.dumps({"n": 1}) + "\n", encoding="utf-8")
    values = {
        "task": "rounds",
        "dialect": "lmms",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": "test.jsonl"}},
        "test_split": "test",
        "output_type": "generate_until_multi_round",
        "metric_list": [{"metric": "acc", "aggregation": "mean"}],
        "repeats": repeats,
    }
    functions = {
        "doc_to_text": "rounds",
        "doc_to_visual": "see",
        "process_results": "score",
    }
    lines = [f"{key}: !function utils.{name}\n" for key, name in functions.items()]
    path = root / "rounds.yaml"
    path.write_text(yaml.safe_dump(values) + "".join(lines), encoding="utf-8")
    return load_task(path, TaskSettings()).open(DataSources())


def assert_scored_the_same(
    opened: OpenedTask, answer: Callable[[Request], AnyResponse]
) -> None:
    _, first = evaluated(opened, answer)

    outcome, again = evaluated(opened, recorded=Recorded(first))

    assert outcome.status == "scored"
    assert again["attempts"] == 0
    for sample in (first, again):
        for key in _OF_ASKING:
            sample.pop(key, None)
    assert again == first


@pytest.mark.parametrize(
    "response",
    [
        Response(text="2", finish_reason="stop"),
        Response(text="", refusal="I will not"),
        Response(text="<think>hm</think>2", finish_reason="length"),
        Response(text="2", reasoning="hm", notes=("cut",)),
    ],
)
def test_an_answer_is_scored_as_it_was(open_task: OpenTask, response: Response) -> None:
    assert_scored_the_same(open_task(), in_turn(response))


def test_repeats_are_scored_as_they_were(open_task: OpenTask) -> None:
    opened = open_task(repeats=3)

    assert_scored_the_same(opened, texts("2", "<think>2</think>3", "4"))


def test_likelihoods_are_scored_as_they_were(open_task: OpenTask) -> None:
    opened = open_task(**_CHOICE)

    assert_scored_the_same(opened, likelihoods(-1.5, -2.0, -0.5, -3.0, -4.0, -2.5))


def test_repeated_likelihoods_are_scored_as_they_were(open_task: OpenTask) -> None:
    opened = open_task(**{**_CHOICE, "metric_list": [{"metric": "acc"}]}, repeats=2)

    assert_scored_the_same(opened, likelihoods(-1, -2, -0.5, -3, -4, -2.5))


def test_likelihoods_of_whole_texts_are_scored_as_they_were(
    open_task: OpenTask,
) -> None:
    opened = open_task(
        output_type="loglikelihood_rolling",
        metric_list=[{"metric": "word_perplexity"}],
    )

    assert_scored_the_same(opened, likelihoods(-7.25))


@pytest.mark.parametrize("repeats", [1, 2])
def test_dialogues_are_scored_as_they_were(tmp_path: Path, repeats: int) -> None:
    opened = open_rounds(tmp_path, repeats)

    assert_scored_the_same(opened, texts(*"abc" * repeats))


def test_answers_that_were_only_recorded_have_their_scores_later(
    open_task: OpenTask,
) -> None:
    only_answered = open_task(settings=TaskSettings(predict_only=True), repeats=2)
    recorded, sample = evaluated(only_answered, texts("3", "2"))

    outcome, again = evaluated(open_task(repeats=2), recorded=Recorded(sample))

    assert recorded.status == "answered"
    assert sample["metrics"] == []
    assert sample["resps"] == ["3", "2"]
    assert outcome.scores == {"exact_match,none": 0.0}
    assert again["resps"] == ["3", "2"]


def test_what_a_later_metric_needs_is_asked_where_nothing_is_scored(
    open_task: OpenTask,
) -> None:
    opened = open_task(settings=TaskSettings(predict_only=True), **_CHOICE)

    _, sample = evaluated(opened, likelihoods(-1, -2, -0.5, -3, -4, -2.5))

    assert len(sample["arguments"]) == 6


def test_fewer_repeats_take_the_first_answers(open_task: OpenTask) -> None:
    _, sample = evaluated(open_task(repeats=3), texts("2", "3", "4"))

    outcome, again = evaluated(open_task(), recorded=Recorded(sample))

    assert outcome.scores == {"exact_match,none": 1.0}
    assert again["filtered_resps"] == "2"


def failure(opened: OpenedTask, sample: dict[str, Any]) -> str:
    outcome, again = evaluated(opened, recorded=Recorded(sample))
    assert outcome.status == "error"
    assert again["attempts"] == 0
    assert outcome.message is not None
    return outcome.message


def test_more_repeats_than_were_asked_are_an_error(open_task: OpenTask) -> None:
    _, sample = evaluated(open_task(repeats=2), texts("2", "3"))

    assert "was asked 2 times" in failure(open_task(repeats=3), sample)
    assert "give --repeats 2" in failure(open_task(repeats=3), sample)


def test_more_likelihoods_than_were_asked_are_an_error(open_task: OpenTask) -> None:
    choice = {**_CHOICE, "metric_list": [{"metric": "acc"}]}
    _, sample = evaluated(open_task(**choice), likelihoods(-1, -2, -3))

    assert "give --repeats 1" in failure(open_task(**choice, repeats=2), sample)


def test_a_longer_dialogue_than_was_held_is_an_error(tmp_path: Path) -> None:
    _, sample = evaluated(open_rounds(tmp_path, 1), texts("a", "b", "c"))
    sample["resps"] = ["a", "b"]

    assert "had fewer rounds" in failure(open_rounds(tmp_path, 1), sample)


def test_another_prompt_is_an_error_that_shows_the_difference(
    open_task: OpenTask,
) -> None:
    _, sample = evaluated(open_task(), texts("2"))

    message = failure(open_task(doc_to_text="{{question}}?"), sample)

    assert message.startswith("document 0 of task 'sums' had another prompt in RUN: ")
    assert "1+1=" in message
    assert "1+1?" in message
    assert "--model replay --model-args path=RUN" in message


def test_another_choice_is_an_error(open_task: OpenTask) -> None:
    choice = {**_CHOICE, "metric_list": [{"metric": "acc"}]}
    _, sample = evaluated(open_task(**choice), likelihoods(-1, -2, -3))
    other = open_task(**{**choice, "doc_to_choice": ["3", "5", "2"]})

    assert "was not asked how likely ' 5' is" in failure(other, sample)


def test_a_document_in_error_has_no_answer(open_task: OpenTask) -> None:
    _, sample = evaluated(open_task(), texts("2"))
    sample |= {"status": "error", "error": "no answer: 500", "filtered_resps": None}

    message = failure(open_task(), sample)

    assert "has no answer in RUN: no answer: 500" in message
    assert "--resume RUN --rerun-errors" in message


def test_what_only_the_judge_failed_on_has_an_answer(open_task: OpenTask) -> None:
    _, sample = evaluated(open_task(), texts("2"))
    sample |= {"error": "no verdict", "resps": "2", "filtered_resps": None}

    outcome, _ = evaluated(open_task(), recorded=Recorded(sample))

    assert outcome.scores == {"exact_match,none": 1.0}
