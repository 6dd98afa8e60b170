from __future__ import annotations

from collections.abc import Mapping

import pytest

from pytest_evalkit.evaluate.trial import attempt
from pytest_evalkit.models.chance import Constant
from pytest_evalkit.scoring import DEFAULT_REASONING_TAGS
from pytest_evalkit.values import Generate, Response
from tests.unit.benchmarks.scored_answers import judge, open_sample, prompt_of

TASK = "mmbench/mmbench_en_dev.yaml"
RIGHT = {
    "1": "A",
    "1000001": "D",
    "2000001": "C",
    "3000001": "B",
    "2": "A",
    "1000002": "B",
    "3": "A",
    "1000003": "C",
    "2000003": "B",
    "4": "A",
}


class Answering(Constant):
    """Answers each document what it is told to."""

    def __init__(self, answers: Mapping[int, str]) -> None:
        super().__init__()
        self._answers = answers

    async def generate(self, request: Generate) -> Response:
        assert request.origin is not None
        text = self._answers[request.origin.doc_id]
        return Response(text=text, finish_reason="stop")


def figures(changed: Mapping[str, str]) -> dict[str, float]:
    """Score the sample, answered rightly but for some documents."""
    opened = open_sample(TASK)
    answers = {
        doc_id: {**RIGHT, **changed}[item]
        for doc_id, item in enumerate(opened.item_ids)
    }
    tags = opened.task.tags_of_thought(DEFAULT_REASONING_TAGS)
    values = attempt(opened, answers, Answering(answers), tags).values()
    return {
        metric.name: metric.aggregation(list(values["choice", metric.name].values()))
        for metric in opened.task.scoring.metrics
    }


@pytest.mark.parametrize(
    ("changed", "circular", "plain"),
    [
        ({}, 1.0, 1.0),
        ({"3000001": "A"}, 0.75, 0.9),
        ({"1": "B", "1000001": "A", "2000001": "A", "3000001": "A"}, 0.75, 0.6),
        ({"1000002": "?"}, 0.75, 0.9),
        ({"4": ""}, 0.75, 0.9),
        (dict.fromkeys(RIGHT, "A"), 0.25, 0.4),
        (dict.fromkeys(RIGHT, ""), 0.0, 0.0),
    ],
)
def test_a_question_counts_where_all_its_copies_are_right(
    changed: dict[str, str], circular: float, plain: float
) -> None:
    assert figures(changed) == {"group_match": circular, "exact_match": plain}


def test_options_that_a_question_lacks_are_no_letters() -> None:
    two = judge(TASK, "2", "C")
    four = judge(TASK, "1", "C")

    assert two.statuses == ("none",)
    assert four.statuses == ("found",)


def test_hints_and_options_are_written_where_there_are_any() -> None:
    instruction = "Answer with the option's letter from the given choices directly."

    assert prompt_of(TASK, "2") == (
        "The image shows a disc. Is it blue? There are several options:\n"
        f"A. yes\nB. no\n\n{instruction}"
    )
    assert prompt_of(TASK, "3") == (
        "How many discs are there? There are several options:\n"
        f"A. one\nB. two\nC. three\n\n{instruction}"
    )


def test_chinese_questions_are_asked_in_chinese() -> None:
    prompt = prompt_of("mmbench/mmbench_cn_dev.yaml", "2")

    assert prompt == (
        "图中有一个圆。 它是蓝色的吗？ 有如下几个选项：\nA. 是的\nB. 不是\n\n"
        "请直接使用所提供的选项字母作为答案回答。"
    )
    assert judge("mmbench/mmbench_cn_dev.yaml", "2", "答案是A").statuses == ("found",)


@pytest.mark.parametrize(("answer", "found"), [("B", 1.0), ("A or B", 0.0), ("", 0.0)])
def test_the_test_split_only_tells_what_was_answered(answer: str, found: float) -> None:
    metrics = judge("mmbench/mmbench_en_test.yaml", "1", answer).metrics

    assert metrics == {"answered": found}
