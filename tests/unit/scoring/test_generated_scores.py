from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.scoring import AnswerKey, Scored, build_plan, score_document
from pytest_evalkit.scoring.metrics import anls

KEPT = [{"name": "kept", "filter": [{"function": "lowercase"}]}]


def score(
    metrics: Any,
    target: Any,
    *answers: Any,
    filters: Any = None,
    dialect: str = "lm",
    compat: str = "fixed",
) -> Scored:
    plan = build_plan(filters, metrics, None, dialect=dialect, compat=compat)
    (scored,) = score_document(plan, {}, AnswerKey(target=target), [list(answers)])
    return scored


@pytest.mark.parametrize("name", ["bleu", "chrf", "chrf++", "ter", "f1", "mcc"])
def test_metrics_of_whole_tasks_keep_the_pair(name: str) -> None:
    scored = score([{"metric": name}], "a reference", "an answer")

    assert scored.metrics == {name: ["a reference", "an answer"]}


def test_a_pair_has_all_of_several_references() -> None:
    scored = score([{"metric": "bleu"}], ["one", "two"], "answer")

    assert scored.metrics == {"bleu": [["one", "two"], "answer"]}


def test_a_target_is_made_of_the_answers_kind() -> None:
    to_number = {"function": "map", "mapping_dict": {"A": 0, "B": 1}}
    filters = [{"name": "n", "filter": [to_number, {"function": "take_first"}]}]

    assert score([{"metric": "f1"}], "1", "B", filters=filters).metrics == {
        "f1": [1, 1]
    }
    assert score([{"metric": "f1"}], "x", "B", filters=filters).metrics == {
        "f1": ["x", 1]
    }
    assert score([{"metric": "f1"}], "1", "C", filters=filters).metrics == {
        "f1": ["1", None]
    }


def pass_at_k(
    *, references: list[str], predictions: list[list[str]], k: list[int]
) -> dict[str, float]:
    return {f"pass@{n}": float(references[0] in predictions[0][:n]) for n in k}


def test_several_values_of_one_function_are_metrics_of_their_own() -> None:
    scored = score([{"metric": pass_at_k, "k": [1, 2]}], "b", "a", "b", filters=KEPT)

    assert scored.metrics == {"pass@1": 0.0, "pass@2": 1.0}
    assert scored.sources == {"pass@1": "pass_at_k", "pass@2": "pass_at_k"}


def test_several_values_count_for_any_target() -> None:
    scored = score(
        [{"metric": pass_at_k, "k": [1, 2]}], ["b", "c"], "a", "c", filters=KEPT
    )

    assert scored.metrics == {"pass@1": 0.0, "pass@2": 1.0}


def test_one_value_under_the_metrics_own_name_has_no_source() -> None:
    def same(*, references: Any, predictions: Any) -> dict[str, float]:
        return {"same": float(references == predictions)}

    scored = score([{"metric": same}], "a", "a")

    assert (scored.metrics, scored.sources) == ({"same": 1.0}, {})


def test_what_only_an_aggregation_sees_has_all_targets() -> None:
    def swapped(*, references: Any, predictions: Any) -> tuple[Any, Any]:
        return predictions[0], references[0]

    assert score([{"metric": swapped}], ["a", "b"], "c").metrics == {
        "swapped": ("c", ["a", "b"])
    }
    assert score([{"metric": swapped}], "a", "c").metrics == {"swapped": ("c", "a")}


def test_in_the_reference_the_next_metric_sees_a_list() -> None:
    def seen(*, references: Any, predictions: Any) -> int:
        del references
        return len(predictions[0]) - 1

    metrics = [{"metric": "exact_match"}, {"metric": seen}]

    fixed = score(metrics, ["a", "b"], "c")
    strict = score(metrics, ["a", "b"], "c", compat="strict")

    assert fixed.metrics == {"exact_match": 0.0, "seen": 0.0}
    assert strict.metrics == {"exact_match": 0.0, "seen": 1.0}


def test_of_several_targets_and_repeats_the_reference_asks_for_any_match() -> None:
    metrics = [{"metric": "exact_match"}]

    fixed = score(metrics, ["a"], "a", "b", filters=KEPT)
    strict = score(metrics, ["a"], "a", "b", filters=KEPT, compat="strict")

    assert (fixed.metrics, strict.metrics) == (
        {"exact_match": 0.5},
        {"exact_match": 1.0},
    )


def test_answers_of_lmms_are_stripped_before_metrics() -> None:
    scored = score([{"metric": "exact_match"}], "a", " a\n", dialect="lmms")

    assert scored == Scored(
        filter="none", filtered=" a\n", metrics={"exact_match": 1.0}
    )


def test_functions_of_lmms_see_every_repeat() -> None:
    def count(*, references: Any, predictions: Any) -> int:
        return len(predictions) - len(references)

    scored = score([{"metric": count}], "a", "a", "b", filters=KEPT, dialect="lmms")

    assert scored.metrics == {"count": 1}


@pytest.mark.parametrize(
    ("references", "prediction", "score"),
    [
        (["paris"], "Paris", 1.0),
        # Two of five characters differ.
        (["paris"], "parts", 0.8),
        (["paris"], "pxxxs", 0.0),
        (["london", "paris"], "pari", 0.8),
        (["a  b"], " a b ", 1.0),
        (["kitten"], "sitting", 1 - 3 / 7),
        ([""], "", 1.0),
    ],
)
def test_similarities_of_texts(
    references: list[str], prediction: str, score: float
) -> None:
    value = anls(references=references, predictions=[prediction])

    assert value == pytest.approx(score)


def test_similarities_below_the_threshold_are_nothing() -> None:
    texts: Any = {"references": ["kitten"], "predictions": ["sitting"]}

    assert anls(**texts, thresh_hold=0.6) == 0.0
    assert anls(**texts, thresh_hold=0.5) == pytest.approx(4 / 7)


def test_the_nearest_target_counts_for_anls() -> None:
    assert score([{"metric": "anls"}], ["paris", "rome"], "romes").metrics == {
        "anls": 0.8
    }


def test_a_document_belongs_to_what_it_shares() -> None:
    plan = build_plan(None, None, None, cluster_key="video")

    def cluster(doc: dict[str, Any]) -> str | None:
        return score_document(plan, doc, AnswerKey(target="a"), [["a"]])[0].cluster

    assert (cluster({"video": 7}), cluster({"video": None}), cluster({})) == (
        "7",
        None,
        None,
    )


def test_not_a_number_is_left_to_a_mean_that_leaves_it_out() -> None:
    entry = {"metric": "rouge", "aggregation": "nanmean"}
    plan = build_plan(None, [entry], lambda _d, _r: {"rouge": float("nan")})

    (scored,) = score_document(plan, {}, AnswerKey(), [["a"]])

    assert scored.metrics == {"rouge": None}
