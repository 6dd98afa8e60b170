from __future__ import annotations

import math
from typing import Any

import pytest

from pytest_evalkit.errors import OptionError, ScoringError
from pytest_evalkit.scoring import AnswerKey, build_plan, score_document
from pytest_evalkit.scoring.aggregations import AGGREGATIONS


def score(output_type: str, result: Any, target: Any = None, **kwargs: Any) -> Any:
    plan = build_plan(None, kwargs.get("metrics"), None, output_type=output_type)
    (scored,) = score_document(plan, {}, AnswerKey(target=target), [[result]])
    return scored.metrics


def test_a_continuation_has_its_likelihood_and_whether_it_is_greedy() -> None:
    assert score("loglikelihood", (-2.5, True)) == {"perplexity": -2.5, "acc": 1}
    assert score("loglikelihood", (-2.5, False)) == {"perplexity": -2.5, "acc": 0}


def test_only_listed_metrics_are_given() -> None:
    values = score("loglikelihood", (-2.5, True), metrics=[{"metric": "acc"}])

    assert values == {"acc": 1}


@pytest.mark.parametrize(
    ("text", "words", "size"),
    [
        ("two words", 2, 9),
        # White space at an end makes an empty piece, which counts.
        (" two  words\n", 4, 12),
        ("über", 1, 5),
        ("", 1, 0),
    ],
)
def test_a_text_is_weighed_by_words_and_bytes(text: str, words: int, size: int) -> None:
    assert score("loglikelihood_rolling", -7.0, text) == {
        "word_perplexity": (-7.0, words),
        "byte_perplexity": (-7.0, size),
        "bits_per_byte": (-7.0, size),
    }


def test_perplexities_worked_by_hand() -> None:
    # Sums -6 over 3 words: e to the 2. -6 / 12 bytes in units of ln 2.
    assert AGGREGATIONS["weighted_perplexity"]([(-2.0, 1), (-4.0, 2)]) == math.exp(2)
    assert AGGREGATIONS["bits_per_byte"]([(-2.0, 4), (-4.0, 8)]) == pytest.approx(
        0.5 / math.log(2)
    )
    assert AGGREGATIONS["perplexity"]([-1.0, -3.0]) == math.exp(2)


def test_bypass_is_scored_nothing() -> None:
    values = score("loglikelihood", (-1.0, True), metrics=[{"metric": "bypass"}])

    assert values == {"bypass": None}


@pytest.mark.parametrize("target", [None, 3])
def test_a_text_to_weigh_is_wanted(target: Any) -> None:
    with pytest.raises(ScoringError, match="no text to weigh"):
        score("loglikelihood_rolling", -7.0, target)


def test_an_impossible_text_is_an_error() -> None:
    with pytest.raises(ScoringError, match="'perplexity' is infinite"):
        score("loglikelihood", (-math.inf, False))


@pytest.mark.parametrize(
    ("output_type", "metric", "message"),
    [
        ("loglikelihood", "acc_norm", "does not score output_type loglikelihood"),
        ("multiple_choice", "bleu", "does not score output_type multiple_choice"),
        ("multiple_choice", "acc_nrom", "did you mean 'acc_norm'"),
        ("loglikelihood_rolling", len, "is a function, which scores generated text"),
        ("loglikelyhood", "acc", "unknown output_type .* 'loglikelihood'"),
    ],
)
def test_a_metric_of_another_output_type_is_refused(
    output_type: str, metric: Any, message: str
) -> None:
    entry = {"metric": metric, "aggregation": "mean"}

    with pytest.raises(OptionError, match=message):
        build_plan(None, [entry], None, output_type=output_type)
