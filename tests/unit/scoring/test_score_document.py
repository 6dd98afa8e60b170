from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_evalkit.errors import ScoringError
from pytest_evalkit.scoring import (
    AnswerKey,
    Parsed,
    Scored,
    build_plan,
    score_document,
    score_flow,
)
from pytest_evalkit.scoring.plan import FilterPipeline

DOC = {"question": "2+2?"}
STRICT = {
    "name": "strict",
    "filter": [
        {"function": "regex", "regex_pattern": r"#### (\d+)"},
        {"function": "take_first"},
    ],
}
LAST = {
    "name": "last",
    "filter": [
        {"function": "regex", "regex_pattern": r"\d+", "group_select": -1},
        {"function": "take_first"},
    ],
}
WHOLE = {"name": "whole", "filter": [{"function": "remove_whitespace"}]}


def test_each_pipeline_scores_the_same_answers() -> None:
    plan = build_plan([STRICT, LAST], None, None)

    scored = score_document(plan, DOC, AnswerKey(target="4"), [["2 + 2 is 4"]])

    assert scored == (
        Scored(
            filter="strict",
            filtered="[invalid]",
            metrics={"exact_match": 0.0},
            parsed=(Parsed(value="[invalid]", status="none"),),
        ),
        Scored(
            filter="last",
            filtered="4",
            metrics={"exact_match": 1.0},
            parsed=(Parsed(value="4", rule="pattern"),),
        ),
    )


def test_where_scoring_runs_code_filtering_stands_apart() -> None:
    done: list[str] = []

    def process_results(_doc: Any, results: list[Any]) -> Mapping[str, float]:
        done.append(f"scored {results[0]}")
        return {"acc": 1.0}

    def noting(responses: Sequence[str], _doc: Any) -> Sequence[str]:
        done.append(f"filtered {responses[0]}")
        return responses

    pipelines = tuple(
        FilterPipeline(name=name, steps=(noting,)) for name in ("one", "two")
    )
    plan = replace(
        build_plan(None, [{"metric": "acc"}], process_results),
        pipelines=pipelines,
        runs_code=True,
    )
    flow = score_flow(plan, DOC, AnswerKey(target="4"), [["4"]])

    assert next(flow) == ()
    done.append("went to one side")
    assert flow.send(()) == ()
    done.append("and back")
    with pytest.raises(StopIteration):
        flow.send(())

    assert done == [
        *("went to one side", "filtered 4", "filtered 4"),
        *("and back", "scored ['4']", "scored ['4']"),
    ]
    assert len(score_document(plan, DOC, AnswerKey(target="4"), [["4"]])) == 2


@pytest.mark.parametrize(
    ("target", "value"), [("4", 1.0), (4, 1.0), (["3", 4], 1.0), (["3"], 0.0), (5, 0.0)]
)
def test_any_of_several_targets_is_right(target: Any, value: float) -> None:
    plan = build_plan([LAST], None, None)

    (scored,) = score_document(plan, DOC, AnswerKey(target=target), [["4"]])

    assert scored.metrics == {"exact_match": value}


def test_several_repeats_score_their_mean() -> None:
    plan = build_plan([WHOLE], None, None)

    (scored,) = score_document(
        plan, DOC, AnswerKey(target="4"), [[" 4", "5 ", "4", "4"]]
    )

    assert scored.filtered == ["4", "5", "4", "4"]
    assert scored.metrics == {"exact_match": 0.75}


def test_a_list_of_one_stays_a_list() -> None:
    plan = build_plan([WHOLE], None, None)

    (scored,) = score_document(plan, DOC, AnswerKey(target="4"), [[" 4 "]])

    assert scored == Scored(
        filter="whole", filtered=["4"], metrics={"exact_match": 1.0}
    )


def test_an_answer_filtered_to_nothing_is_an_error() -> None:
    def nothing(_resps: Any, _docs: Any) -> Any:
        return [[]]

    plan = build_plan([{"name": "n", "filter": [{"function": nothing}]}], None, None)

    with pytest.raises(ScoringError, match="left metric 'exact_match' no answer"):
        score_document(plan, DOC, AnswerKey(target="4"), [["4"]])


@pytest.mark.parametrize(
    ("dialect", "filters", "seen"),
    [
        ("lm", [LAST], ["4"]),
        ("lm", [WHOLE], [["4", "5"]]),
        ("lmms", [LAST], ["4"]),
        ("lmms", [WHOLE], ["4", "5"]),
    ],
)
def test_process_results_gets_what_its_dialect_hands_over(
    dialect: str, filters: Any, seen: list[Any]
) -> None:
    calls: list[Any] = []

    def process(doc: Mapping[str, Any], results: list[Any]) -> dict[str, Any]:
        calls.append((doc, results))
        return {"acc": 1}

    plan = build_plan(filters, [{"metric": "acc"}], process, dialect=dialect)

    score_document(plan, DOC, AnswerKey(target="4"), [["4", "5"]])

    # What the document is worth comes first; then each answer by itself.
    assert calls[0] == (DOC, seen)


def test_answers_are_stripped_for_process_results_of_lmms() -> None:
    plan = build_plan(
        None,
        [{"metric": "length"}],
        lambda _d, results: {"length": len(results[0])},
        dialect="lmms",
    )

    (scored,) = score_document(plan, DOC, AnswerKey(), [[" four\n"]])

    assert scored == Scored(filter="none", filtered=" four\n", metrics={"length": 4})


def test_values_of_process_results_are_kept_as_they_are() -> None:
    returned = {"acc": True, "pair": (1, 2), "more": {"category": "sums"}}
    plan = build_plan(
        None, [{"metric": "acc"}, {"metric": "f"}], lambda _d, _r: returned
    )

    (scored,) = score_document(plan, DOC, AnswerKey(target="4"), [["4"]])

    assert scored.metrics == returned


def test_process_results_without_a_mapping_is_an_error() -> None:
    plan = build_plan(None, [{"metric": "acc"}], lambda _d, _r: 1.0)  # type: ignore[arg-type,return-value]

    with pytest.raises(ScoringError, match="returned float, not a mapping"):
        score_document(plan, DOC, AnswerKey(target="4"), [["4"]])


def test_what_the_task_raises_is_raised() -> None:
    def process(doc: Mapping[str, Any], _results: list[Any]) -> dict[str, Any]:
        return {"acc": doc["anwser"]}

    plan = build_plan(None, [{"metric": "acc"}], process)

    with pytest.raises(KeyError, match="anwser"):
        score_document(plan, DOC, AnswerKey(target="4"), [["4"]])


def test_not_a_number_names_the_metric() -> None:
    plan = build_plan(None, [{"metric": "acc"}], lambda _d, _r: {"acc": float("nan")})

    with pytest.raises(ScoringError, match="metric 'acc' is not a number"):
        score_document(plan, DOC, AnswerKey(target="4"), [["4"]])


def test_bypass_scores_nothing() -> None:
    plan = build_plan(None, [{"metric": "bypass"}], None)

    (scored,) = score_document(plan, DOC, AnswerKey(target="4"), [["4"]])

    assert scored.metrics == {"bypass": None}


def test_a_metric_of_the_task_is_given_references_and_predictions() -> None:
    def closeness(*, references: Any, predictions: Any, scale: float) -> float:
        return scale * abs(float(references[0]) - float(predictions[0]))

    plan = build_plan(None, [{"metric": closeness, "scale": 2}], None)

    (scored,) = score_document(plan, DOC, AnswerKey(target=4), [["5.5"]])

    assert scored.metrics == {"closeness": 3.0}


def test_a_metric_that_passes_pairs_on_is_given_a_pair() -> None:
    def pairs(items: Any) -> Any:
        return items

    plan = build_plan(None, [{"metric": pairs}], None)

    (scored,) = score_document(plan, DOC, AnswerKey(target="4"), [["5"]])

    assert scored.metrics == {"pairs": ["4", "5"]}


def test_an_infinite_value_names_the_metric() -> None:
    plan = build_plan(None, [{"metric": "acc"}], lambda _d, _r: {"acc": float("inf")})

    with pytest.raises(ScoringError, match="metric 'acc' is infinite"):
        score_document(plan, DOC, AnswerKey(target="4"), [["4"]])


def test_any_target_right_for_a_metric_of_the_task_is_one() -> None:
    def same(*, references: Any, predictions: Any) -> bool:
        return bool(references == predictions)

    plan = build_plan(None, [{"metric": same}], None)

    assert score_document(plan, DOC, AnswerKey(target=["3", 4]), [["4"]])[
        0
    ].metrics == {"same": 1.0}
    assert score_document(plan, DOC, AnswerKey(target=["3", 5]), [["4"]])[
        0
    ].metrics == {"same": 0.0}
