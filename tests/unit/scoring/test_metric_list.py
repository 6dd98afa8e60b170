from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.scoring import build_plan
from pytest_evalkit.scoring.metrics import exact_match
from pytest_evalkit.scoring.oddities import WITHOUT_EFFECT


def build(*metrics: Any, process_results: Any = None, **said: Any) -> Any:
    return build_plan(None, metrics, process_results, **said)


def named(name: str) -> Any:
    def function(*, references: Any, predictions: Any) -> float:
        return float(references == predictions)

    function.__name__ = name
    return function


def test_of_functions_of_one_name_the_last_keeps_it() -> None:
    functions = [named("score") for _ in range(3)]

    plan = build(*({"metric": function} for function in functions))

    assert [metric.name for metric in plan.metrics] == ["score_1", "score_2", "score"]
    assert [metric.function for metric in plan.metrics] == functions


def test_a_flag_is_true_by_whatever_is_true() -> None:
    text = r'true - "." - "," - "\\$"'

    plan = build({"metric": "exact_match", "ignore_punctuation": text})

    assert plan.metrics[0].kwargs == {"ignore_punctuation": True}
    assert plan.metrics[0].function is exact_match


@pytest.mark.parametrize("text", ["false", "No", " off "])
def test_a_text_that_means_false_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="counts as true; write false"):
        build({"metric": "exact_match", "ignore_case": text})


@pytest.mark.parametrize("key", WITHOUT_EFFECT)
def test_what_has_no_effect_is_accepted_where_it_can_have_none(key: str) -> None:
    choice = build({"metric": "acc", key: True}, output_type="multiple_choice")
    label = build({"metric": "x", key: True}, process_results=lambda _d, _r: {})

    assert choice.metrics[0].kwargs == {}
    assert label.metrics[0].kwargs == {}


def test_a_pair_needs_no_rules_for_texts() -> None:
    plan = build({"metric": "bleu", "ignore_case": True, "weight_by_size": True})

    assert plan.metrics[0].kwargs == {}


@pytest.mark.parametrize(
    ("entry", "said", "message"),
    [
        (
            {"metric": "x", "agregation": "mean"},
            {"process_results": len},
            "'aggregation'",
        ),
        (
            {"metric": "acc", "agregation": "mean"},
            {"output_type": "multiple_choice"},
            "did you mean 'aggregation'",
        ),
        ({"metric": "bleu", "high_is_better": True}, {}, "'higher_is_better'"),
        ({"metric": "exact_match", "weight_by_size": True}, {}, "no argument"),
        ({"metric": "bleu", "aggregation": "mean"}, {}, "its own is 'bleu'"),
        ({"metric": "acc"}, {}, "name a !function as its aggregation"),
        ({"metric": len, "k": 3}, {}, "no argument 'k'"),
        ({"metric": pow, "k": 3}, {}, r"\(references, predictions, k\)"),
    ],
)
def test_what_cannot_score_is_refused(
    entry: dict[str, Any], said: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        build(entry, **said)


def test_a_function_with_a_pair_is_told_by_its_signature() -> None:
    def both(items: Any) -> Any:
        return items

    plan = build({"metric": both}, {"metric": named("score")})

    assert [metric.takes_pair for metric in plan.metrics] == [True, False]


@pytest.mark.parametrize(
    ("output_type", "names"),
    [
        ("generate_until", ["exact_match"]),
        ("generate_until_multi_round", ["exact_match"]),
        ("multiple_choice", ["acc", "acc_norm"]),
        ("loglikelihood", ["perplexity", "acc"]),
        (
            "loglikelihood_rolling",
            ["word_perplexity", "byte_perplexity", "bits_per_byte"],
        ),
    ],
)
def test_each_output_type_has_its_usual_metrics(
    output_type: str, names: list[str]
) -> None:
    plan = build_plan(None, None, None, output_type=output_type)

    assert [metric.name for metric in plan.metrics] == names


def test_an_aggregation_with_args_gets_a_command_line_without_settings() -> None:
    seen: list[Any] = []

    def submitted(results: Any, args: Any) -> int:
        seen.append((args.output_path, hasattr(args, "__len__")))
        return len(results)

    plan = build({"metric": "x", "aggregation": submitted}, process_results=len)

    assert plan.metrics[0].aggregation([1, 2]) == 2
    assert plan.metrics[0].aggregation_name == "submitted"
    assert seen == [(None, False)]


def test_an_aggregation_with_any_number_of_lists_is_called_with_one() -> None:
    def total(*args: Any) -> int:
        return len(args)

    plan = build({"metric": "x", "aggregation": total}, process_results=len)

    assert plan.metrics[0].aggregation is total


def test_an_aggregation_that_hides_its_parameters_is_used_as_it_is() -> None:
    plan = build({"metric": "x", "aggregation": max}, process_results=len)

    assert plan.metrics[0].aggregation([1, 3]) == 3


def test_shares_lie_from_0_to_1_and_others_where_the_task_says() -> None:
    plan = build(
        {"metric": "exact_match"},
        {"metric": named("rating"), "aggregation": "mean", "range": [1, 10]},
        {"metric": named("acc"), "aggregation": "mean"},
    )

    assert [metric.range for metric in plan.metrics] == [(0.0, 1.0), (1.0, 10.0), None]
    assert "range" not in plan.metrics[1].kwargs


@pytest.mark.parametrize("wrong", [[1, 0], [0], "0-1", [0, "1"], [True, 2], 3])
def test_a_range_is_two_numbers_the_lower_first(wrong: Any) -> None:
    with pytest.raises(OptionError, match="range of metric 'exact_match' is the least"):
        build({"metric": "exact_match", "range": wrong})
