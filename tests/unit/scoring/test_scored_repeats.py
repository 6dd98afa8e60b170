from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from pytest_evalkit.scoring import build_plan
from pytest_evalkit.scoring.judging import JudgeQuestion
from pytest_evalkit.scoring.plan import AnswerKey, ScoringPlan
from pytest_evalkit.scoring.repeated import Repeated
from pytest_evalkit.scoring.score import score_document, score_flow

KEY = AnswerKey(target="4")
FILTERS = [
    {
        "name": "number",
        "filter": [
            {"function": "regex", "regex_pattern": r"(\d+)"},
            {"function": "take_first"},
        ],
    }
]


def plan(
    process: Callable[[Any, Any], Any] | None = None, filters: Any = None, **more: Any
) -> ScoringPlan:
    return build_plan(filters, [{"metric": "exact_match"}], process, **more)


def repeated(scoring: ScoringPlan, *answers: str) -> Repeated | None:
    (scored,) = score_document(scoring, {}, KEY, [list(answers)])
    return scored.repeated


def test_each_answer_has_a_score_of_its_own() -> None:
    found = repeated(plan(filters=FILTERS), "it is 4", "5", "4!", "no idea")

    assert found == Repeated(
        scores={"exact_match": [1.0, 0.0, 1.0, 0.0]}, answers=[0, 1, 0, None]
    )


def test_what_the_document_is_worth_stays_as_it_was() -> None:
    (scored,) = score_document(plan(filters=FILTERS), {}, KEY, [["5", "4"]])

    assert scored.filtered == "5"
    assert scored.metrics == {"exact_match": 0.0}


def test_one_answer_has_no_repeats() -> None:
    assert repeated(plan(), "4") is None


@pytest.mark.parametrize("dialect", ["lm", "lmms"])
def test_a_scorer_of_the_task_gets_one_answer_at_a_time(dialect: str) -> None:
    def process(_: Mapping[str, Any], results: Sequence[Any]) -> dict[str, Any]:
        return {"right": {"score": float(results[0] == "4"), "said": results[0]}}

    found = repeated(plan(process, dialect=dialect), "4", "3")

    assert found is not None
    assert found.scores == {"right": [1.0, 0.0]}


def test_a_filter_that_wants_several_answers_is_the_reason() -> None:
    several = [{"name": "two", "filter": [{"function": "take_first_k", "k": 2}]}]

    found = repeated(plan(filters=several), "4", "4")

    assert found is not None
    assert found.problem is not None
    assert found.problem.startswith("ScoringError: ")
    assert found.scores == {}


def test_a_scorer_that_raises_on_one_answer_is_the_reason() -> None:
    def process(_: Mapping[str, Any], results: Sequence[Any]) -> dict[str, Any]:
        return {"number": int(results[0])}

    (scored,) = score_document(plan(process), {}, KEY, [["4", "four"]])

    assert scored.metrics == {"number": 4}
    assert scored.repeated is not None
    assert scored.repeated.problem is not None
    assert scored.repeated.problem.startswith("ValueError: invalid literal")


def test_a_judge_is_not_asked_again() -> None:
    def process(_: Mapping[str, Any], results: Sequence[Any]) -> Any:
        (verdict,) = yield [JudgeQuestion(text=results[0], prompt="Is it?", read=float)]
        return {"judged": verdict}

    flow = score_flow(plan(process), {}, KEY, [["4", "5"]])
    asked = next(flow)
    with pytest.raises(StopIteration) as ended:
        flow.send([1.0])

    (scored,) = ended.value.value
    assert len(asked) == 1
    assert scored.metrics == {"judged": 1.0}
    assert scored.repeated is None


def test_values_that_are_no_numbers_have_no_scores() -> None:
    def process(_: Mapping[str, Any], results: Sequence[Any]) -> dict[str, Any]:
        return {"pair": ["4", results[0]], "length": len(results[0])}

    found = repeated(plan(process), "4", "345")

    assert found is not None
    assert found.scores == {"length": [1.0, 3.0]}
