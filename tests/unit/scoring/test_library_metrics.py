from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.errors import MissingPackageError, OptionError
from pytest_evalkit.scoring import AnswerKey, build_plan, packages, score_document


def value(entry: dict[str, Any], target: Any, answer: Any) -> Any:
    plan = build_plan(None, [entry], None)
    (scored,) = score_document(plan, {}, AnswerKey(target=target), [[answer]])
    return scored.metrics


def test_word_errors_worked_by_hand() -> None:
    # Of four words one is replaced and one is missing.
    assert value({"metric": "wer"}, "the cat sat down", "the dog sat") == {"wer": 0.5}


def test_character_errors_worked_by_hand() -> None:
    assert value({"metric": "cer"}, "abcd", "abxd") == {"cer": 0.25}


def test_error_rates_are_better_low() -> None:
    plan = build_plan(None, [{"metric": "wer"}, {"metric": "cer"}], None)

    assert [metric.higher_is_better for metric in plan.metrics] == [False, False]


def test_labels_of_one_document_by_name() -> None:
    assert value({"metric": "accuracy", "hf_evaluate": True}, "1", "1") == {
        "accuracy": 1.0
    }
    entry = {
        "metric": "f1",
        "aggregation": "mean",
        "hf_evaluate": True,
        "average": "micro",
    }
    assert value(entry, "1", "1") == {"f1": 1.0}
    assert value(entry, "1", "2") == {"f1": 0.0}


@pytest.mark.parametrize("name", ["precision", "recall"])
def test_precision_and_recall_take_an_average(name: str) -> None:
    entry = {"metric": name, "average": "macro"}

    # Two labels, each with nothing right.
    assert value(entry, "1", "2") == {name: 0.0}
    assert value(entry, "1", "1") == {name: 1.0}


def test_rouge_gives_a_value_for_each_kind() -> None:
    values = value({"metric": "rouge"}, "the cat sat", "the cat ran")

    # Two of three words, one of two pairs, a common subsequence of two.
    assert values == pytest.approx(
        {"rouge1": 2 / 3, "rouge2": 1 / 2, "rougeL": 2 / 3, "rougeLsum": 2 / 3}
    )


def test_one_kind_of_rouge_has_a_name_of_its_own() -> None:
    assert value({"metric": "rougeL"}, "a b c", "a x c") == pytest.approx(
        {"rougeL": 2 / 3}
    )


def test_unknown_arguments_name_the_nearest() -> None:
    with pytest.raises(OptionError, match="did you mean 'average'"):
        build_plan(None, [{"metric": "recall", "averages": "micro"}], None)


@pytest.mark.parametrize(
    ("entry", "package"),
    [
        ({"metric": "wer"}, "jiwer"),
        ({"metric": "rouge"}, "rouge-score"),
        ({"metric": "bleu"}, "sacrebleu"),
        ({"metric": "mcc"}, "scikit-learn"),
    ],
)
def test_a_missing_package_is_named_before_the_run(
    monkeypatch: pytest.MonkeyPatch, entry: dict[str, Any], package: str
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda _name: None)

    with pytest.raises(MissingPackageError) as raised:
        build_plan(None, [entry], None)

    assert (raised.value.package, raised.value.extra) == (package, "metrics")
    assert f"needs the package {package}; " in str(raised.value)
    assert 'pip install "pytest-evalkit[metrics]"' in str(raised.value)


def test_what_needs_no_package_is_built_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda _name: None)

    plan = build_plan(None, [{"metric": "exact_match"}, {"metric": "anls"}], None)

    assert len(plan.metrics) == 2
