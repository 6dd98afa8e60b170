from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_evalkit.scoring import MetricSpec, spread, standard_error_of
from pytest_evalkit.scoring.aggregations import AGGREGATIONS

NUMBERS = [(i * 7 % 11) / 10 for i in range(25)]
GAPS = [None if i % 4 == 0 else value for i, value in enumerate(NUMBERS)]
LOGPROBS = [-(i * 5 % 13) / 4 for i in range(25)]
LABELS = [(i * 3 % 7 % 2, i * 5 % 11 % 2) for i in range(25)]
KINDS = [(i * 3 % 7 % 3, i * 5 % 11 % 3) for i in range(25)]
TEXT = "the cat sat on a mat while dogs ran to one tree"
WORDS = TEXT.split()


def sentence(start: int, length: int) -> str:
    return " ".join(WORDS[(start + 3 * k) % len(WORDS)] for k in range(length))


def answer(i: int) -> str:
    return sentence(i if i % 3 else i + 1, 6 + i % 3)


PAIRS = [[sentence(i, 7), answer(i)] for i in range(12)]
SEVERAL = [[[sentence(i, 7), sentence(i + 2, 6)], answer(i)] for i in range(12)]


def metric(name: str) -> MetricSpec:
    return MetricSpec(
        name=name,
        function=None,
        aggregation=AGGREGATIONS[name],
        aggregation_name=name,
        higher_is_better=None,
    )


# Independently computed with lm-evaluation-harness 0.4.13.
@pytest.mark.parametrize(
    ("name", "values", "figure", "iterations", "stderr"),
    [
        ("median", NUMBERS, 0.5, 2000, 0.1180200909630891),
        ("nanmean", GAPS, 0.5166666666666667, 2000, 0.07745687034917668),
        ("perplexity", LOGPROBS, 4.392945680918757, 2000, 0.8375195520358943),
        ("perplexity", LOGPROBS, 4.392945680918757, 500, 0.8403318058460235),
        ("f1", LABELS, 0.6666666666666666, 2000, 0.1270901665175874),
        ("matthews_corrcoef", KINDS, 0.09632008196945054, 2000, 0.1477759954365966),
        ("bleu", PAIRS, 66.66666666666669, 100, 12.385359040980475),
        ("chrf", PAIRS, 69.17891621318051, 100, 12.783956811936688),
        ("chrf++", PAIRS, 68.55190083847239, 100, 13.011950495268731),
        ("ter", PAIRS, 38.095238095238095, 100, 13.079437535699219),
        ("bleu", SEVERAL, 66.66666666666669, 100, 11.548634607856187),
        ("chrf", SEVERAL, 71.39786144997863, 100, 12.152114426074768),
        ("ter", SEVERAL, 35.8974358974359, 100, 11.924142118495919),
    ],
)
def test_figures_and_errors_are_those_of_the_reference(
    name: str, values: Sequence[Any], figure: float, iterations: int, stderr: float
) -> None:
    error = standard_error_of(metric(name), values, iterations=iterations)

    assert AGGREGATIONS[name](values) == pytest.approx(figure, rel=1e-12)
    assert error == pytest.approx(stderr, abs=1e-9)


def test_figures_of_corpora_are_drawn_a_hundred_times_at_most() -> None:
    errors = [
        standard_error_of(metric("bleu"), PAIRS, iterations=n) for n in (100, 5000)
    ]

    assert errors[0] == errors[1]


def test_a_mean_has_its_formula() -> None:
    # Squares of the deviations: two of 1/4; over one is 1/2; the root over root two.
    assert standard_error_of(metric("mean"), [0.0, 1.0]) == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["brier_score", "weighted_perplexity", "bypass"])
def test_other_aggregations_have_no_error(name: str) -> None:
    assert standard_error_of(metric(name), [(0, [1.0]), (0, [1.0])]) is None


@pytest.mark.parametrize(("values", "iterations"), [([1.0], 100), ([1.0, 0.0], 0)])
def test_one_document_or_no_replicates_have_no_error(
    values: list[float], iterations: int
) -> None:
    for name in ("mean", "median"):
        assert standard_error_of(metric(name), values, iterations=iterations) is None


def test_the_usual_replicates_are_a_thousand() -> None:
    assert spread.BOOTSTRAP_ITERATIONS == 1000
    assert standard_error_of(metric("median"), NUMBERS) == standard_error_of(
        metric("median"), NUMBERS, iterations=1000
    )


def test_labels_that_never_vary_have_no_correlation() -> None:
    assert AGGREGATIONS["matthews_corrcoef"]([(1, 1), (1, 1)]) == 0.0
    assert standard_error_of(metric("matthews_corrcoef"), [(1, 1), (1, 1)]) == 0.0


def test_f1_of_labels_that_nobody_has_is_nothing() -> None:
    assert AGGREGATIONS["f1"]([(0, 0), (0, 0)]) == 0.0
    assert standard_error_of(metric("f1"), [(0, 0), (0, 0)]) == 0.0


def test_f1_worked_by_hand() -> None:
    # One found, one missed, one too many: 2 / (2 + 1 + 1).
    assert AGGREGATIONS["f1"]([(1, 1), (1, 0), (0, 1), (0, 0)]) == 0.5


def test_labels_other_than_two_have_no_plain_f1() -> None:
    with pytest.raises(ValueError, match="multiclass"):
        AGGREGATIONS["f1"]([(0, 1), (2, 2)])


def test_the_same_texts_are_perfect_translations() -> None:
    same = [[text, text] for text, _ in PAIRS]

    assert AGGREGATIONS["bleu"](same) == pytest.approx(100)
    assert AGGREGATIONS["chrf"](same) == pytest.approx(100)
    assert AGGREGATIONS["ter"](same) == 0


def test_figures_of_corpora_are_those_of_the_public_functions() -> None:
    from sacrebleu import corpus_bleu, corpus_chrf, corpus_ter

    answers = [answer for _, answer in PAIRS]
    references = [[reference for reference, _ in PAIRS]]

    assert AGGREGATIONS["bleu"](PAIRS) == corpus_bleu(answers, references).score
    assert AGGREGATIONS["chrf"](PAIRS) == corpus_chrf(answers, references).score
    assert AGGREGATIONS["ter"](PAIRS) == corpus_ter(answers, references).score


def test_sentences_may_have_unequal_numbers_of_references() -> None:
    one = [["the cat sat on the mat", "the cat sat on the mat"]]
    two = [[["a dog", "two dogs ran past me"], "two dogs ran past me"]]

    assert AGGREGATIONS["bleu"](one + two) == pytest.approx(100)


def test_an_answer_in_a_list_of_one_is_that_answer() -> None:
    assert AGGREGATIONS["chrf"]([["abc", ["abc"]]]) == pytest.approx(100)


def test_nanmean_leaves_out_what_is_no_number() -> None:
    assert AGGREGATIONS["nanmean"]([1.0, None, math.nan, 0.0]) == 0.5
    assert AGGREGATIONS["nanmean"]([None]) is None


def judged(said: str, paragraph: int, question: int, label: int) -> Any:
    place = {"paragraph": paragraph, "question": question}
    return [said == "right", {"idx": place, "label": label}]


QUESTIONS = [
    judged("right", 0, 0, 1),
    judged("wrong", 0, 0, 0),
    judged("right", 0, 1, 0),
    judged("right", 1, 0, 0),
    judged("wrong", 1, 1, 0),
]


def test_a_question_needs_all_its_answers_right() -> None:
    # Questions 0 and 1 of paragraph 0: right, wrong; of paragraph 1: wrong, right.
    assert AGGREGATIONS["acc_all"](QUESTIONS) == 0.5
    # Four questions, two right: deviation root of 1/3, over root of 4.
    assert standard_error_of(metric("acc_all"), QUESTIONS) == pytest.approx(
        math.sqrt(1 / 3) / 2
    )


def test_in_the_reference_questions_of_all_paragraphs_are_one_for_the_error() -> None:
    error = standard_error_of(metric("acc_all"), QUESTIONS, compat="strict")

    assert error == 0.0


@pytest.mark.parametrize("gold", [-1, 2, "a", None])
def test_a_brier_score_wants_the_position_of_a_choice(gold: Any) -> None:
    with pytest.raises(ValueError, match="position of the right choice, from 0 to 1"):
        AGGREGATIONS["brier_score"]([(gold, [0.5, 0.5])])
