from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import pytest

from pytest_evalkit.errors import ScoringError
from pytest_evalkit.scoring import (
    AnswerKey,
    JudgeQuestion,
    build_plan,
    score_document,
    score_flow,
)


def asking(
    doc: Mapping[str, Any], results: Sequence[Any]
) -> Generator[Sequence[JudgeQuestion], Sequence[float], Mapping[str, Any]]:
    del doc
    question = JudgeQuestion(text=results[0], prompt="Rate.", read=float)
    (first,) = yield [question]
    (second,) = yield [question]
    return {"rating": (first + second) / 2}


PLAN = build_plan(None, [{"metric": "rating"}], asking)


def test_a_scorer_may_ask_as_often_as_it_likes() -> None:
    flow = score_flow(PLAN, {}, AnswerKey(), [["an answer"]])

    (question,) = next(flow)
    flow.send([0.2])
    with pytest.raises(StopIteration) as ended:
        flow.send([0.6])

    assert question.text == "an answer"
    (scored,) = ended.value.value
    assert scored.metrics == {"rating": pytest.approx(0.4)}


def test_without_a_judge_such_a_scorer_has_no_score() -> None:
    with pytest.raises(ScoringError, match="asks a judge"):
        score_document(PLAN, {}, AnswerKey(), [["an answer"]])
