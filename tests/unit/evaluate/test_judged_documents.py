from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.codec import decode
from pytest_evalkit.errors import ModelUnavailableError, TransientModelError
from pytest_evalkit.evaluate import (
    DocumentOutcome,
    Evaluation,
    Judge,
    evaluate_document,
)
from pytest_evalkit.values import Generate, Request, Response

if TYPE_CHECKING:
    from tests.unit.evaluate.conftest import OpenTask

_SCORER = """\
from pytest_evalkit.scoring import JudgeQuestion

def read(text):
    return float(text) if text[:1].isdigit() else None

def judged(doc, results):
    ratings = yield [
        JudgeQuestion(text=text, prompt=f"Rate: {text}", read=read)
        for text in results
    ]
    return {"rating": sum(ratings) / len(ratings)}
"""
_METRIC = "process_results: !function judged.judged\n"


def evaluate(
    open_task: OpenTask, verdict: Any, *, rates_texts: bool = False, **keys: Any
) -> tuple[DocumentOutcome, dict[str, Any], list[str]]:
    """Answer a document with "two", judge that, and tell what the judge was asked."""
    opened = open_task(metric_list=None)
    source = opened.task.path.parent
    (source / "judged.py").write_text(_SCORER, encoding="utf-8")
    opened = open_task(_METRIC, metric_list=[{"metric": "rating"}], **keys)
    asked: list[str] = []

    async def answer(request: Request) -> Response:
        del request
        return Response(text="two")

    async def judge(request: Request) -> Response:
        assert isinstance(request, Generate)
        asked.append(request.messages[-1].text)
        if isinstance(verdict, Exception):
            raise verdict
        return Response(text=verdict, attempts=2)

    lines: list[bytes] = []
    evaluation = Evaluation(
        opened=opened,
        ask=answer,
        record=lines.append,
        reasoning_tags=(),
        started_at=0.0,
        judge=Judge("j", judge, rates_texts=rates_texts),
    )
    outcome = asyncio.run(evaluate_document(evaluation, 0))
    return outcome, decode(lines[0]), asked


def test_a_model_that_writes_is_asked_in_words_and_its_verdict_recorded(
    open_task: OpenTask,
) -> None:
    outcome, sample, asked = evaluate(open_task, "<think>hm</think>0.25")

    assert outcome.scores == {"rating,none": 0.25}
    assert asked == ["Rate: two"]
    assert sample["judge"] == {
        "judge": "j",
        "prompt": "Rate: two",
        "response": "<think>hm</think>0.25",
        "value": 0.25,
        "attempts": 2,
    }


def test_what_rates_texts_is_told_the_text_alone(open_task: OpenTask) -> None:
    outcome, sample, asked = evaluate(open_task, "0.75", rates_texts=True)

    assert outcome.scores == {"rating,none": 0.75}
    assert asked == ["two"]
    assert "prompt" not in sample["judge"]


def test_every_repeat_is_judged(open_task: OpenTask) -> None:
    keep = [{"name": "all", "filter": [{"function": "take_first_k", "k": 2}]}]
    more: dict[str, Any] = {"repeats": 2, "filter_list": keep, "dialect": "lmms"}

    outcome, sample, asked = evaluate(open_task, "0.5", **more)

    assert outcome.scores == {"rating,all": 0.5}
    assert len(asked) == len(sample["judge"]) == 2


@pytest.mark.parametrize(
    ("verdict", "rates_texts", "message"),
    [
        ("I had rather not.", False, "the verdict of judge 'j' cannot be read: 'I had"),
        ("1.5", True, "cannot be read: '1.5'"),
        ("nan", True, "cannot be read: 'nan'"),
        ("-0.1", True, "cannot be read: '-0.1'"),
        ("", True, "cannot be read: ''"),
        (TransientModelError("busy"), False, "no verdict of judge 'j': busy"),
        (ModelUnavailableError("gone"), False, "no verdict of judge 'j': gone"),
    ],
)
def test_without_a_verdict_there_is_no_score_but_the_answer_is_kept(
    open_task: OpenTask, verdict: Any, rates_texts: bool, message: str
) -> None:
    outcome, sample, _ = evaluate(open_task, verdict, rates_texts=rates_texts)

    assert outcome.status == "error"
    assert message in str(outcome.message)
    assert sample["resps"] == "two"
    assert sample["metrics"] == []
