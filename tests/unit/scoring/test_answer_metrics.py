from __future__ import annotations

import random
from typing import Any

import pytest

from pytest_evalkit.errors import OptionError, ScoringError
from pytest_evalkit.scoring import (
    AnswerKey,
    all_right,
    anls,
    basic_words,
    build_plan,
    error_rate,
    relaxed_accuracy,
    score_document,
    standard_error_of,
    vqa_accuracy,
    vqa_normalised,
    word_errors,
    yes_f1,
    yes_precision,
    yes_ratio,
    yes_recall,
)
from pytest_evalkit.stats import standard_error


def value(metric: dict[str, Any], target: Any, answer: Any, **doc: Any) -> Any:
    plan = build_plan(None, [metric], None)
    (scored,) = score_document(plan, doc, AnswerKey(target=target), [[answer]])
    return scored.metrics[metric["metric"]]


@pytest.mark.parametrize(
    ("target", "answer", "score"),
    [
        ("10", "10.5", 1.0),
        ("10", "9.5", 1.0),
        ("10", "10.6", 0.0),
        ("-10", "-10.5", 1.0),
        ("10", "-10", 0.0),
        ("50%", "50", 1.0),
        ("50", "50%", 1.0),
        ("0.5", "50%", 1.0),
        ("50%", "0.51", 1.0),
        ("50%", "52%", 1.0),
        ("50%", "0.5%", 0.0),
        ("50%", "53%", 0.0),
        ("0", "0", 1.0),
        ("0", "0.0", 1.0),
        ("0", "0.01", 0.0),
        ("12", "12.", 1.0),
        ("12", "12 years", 1.0),
        ("12 years", "12", 1.0),
        ("12 years", "12 months", 0.0),
        ("1,234", "1234", 1.0),
        ("$5", "5", 1.0),
        ("Blue", "blue.", 1.0),
        ("Blue", "light blue", 0.0),
        ("Blue", "Black", 0.0),
        ("2019", "in 2019", 0.0),
        ("10", "10 or 11", 0.0),
        ("10", None, 0.0),
        (["blue", "10"], "10", 1.0),
    ],
)
def test_answers_from_charts_may_be_a_twentieth_off(
    target: Any, answer: Any, score: float
) -> None:
    assert value({"metric": "relaxed_accuracy"}, target, answer) == score


def test_the_tolerance_of_charts_can_be_said() -> None:
    texts = {"references": ["10"], "predictions": ["11"]}

    assert relaxed_accuracy(**texts, tolerance=0.1) == 1.0
    assert relaxed_accuracy(**texts, tolerance=0.09) == 0.0


@pytest.mark.parametrize(
    ("answer", "normal"),
    [
        ("The two Dogs!", "2 dogs"),
        ("1,000", "1000"),
        ("3.5.", "3.5"),
        ("a red-brown cat", "red brown cat"),
        ("dont know", "don't know"),
        ("St. Mary's", "st mary 's"),
        ("none", "0"),
        ("yes/no", "yes no"),
        ("yes / no", "yes no"),
    ],
)
def test_answers_are_compared_as_the_server_of_vqa_does(
    answer: str, normal: str
) -> None:
    assert vqa_normalised(answer) == normal


@pytest.mark.parametrize(
    ("agreeing", "score"),
    # With two of ten: each of them meets one other, and eight meet both.
    [(0, 0.0), (1, 0.3), (2, (2 / 3 + 8 * 2 / 3) / 10), (3, 0.9), (4, 1.0), (10, 1.0)],
)
def test_three_others_are_full_marks_in_vqa(agreeing: int, score: float) -> None:
    people = ["red"] * agreeing + ["blue"] * (10 - agreeing)

    accuracy = vqa_accuracy(references=people, predictions=["A red"])

    assert accuracy == pytest.approx(score)
    assert value({"metric": "vqa_accuracy"}, people, "A red") == pytest.approx(score)
    assert value({"metric": "vqa_accuracy"}, people, None) == 0.0


def test_anls_takes_lengths_of_what_it_compares() -> None:
    padded: Any = {"references": ["abcd"], "predictions": ["  abxx  "]}

    assert anls(**padded) == 0.5
    assert anls(**padded, raw_lengths=True) == 0.75
    assert value({"metric": "anls"}, ["abcd"], "  abxx  ") == 0.5
    assert value({"metric": "anls"}, ["abcd", "xy"], None) == 0.0


def test_anls_takes_raw_lengths_where_it_is_strict() -> None:
    plan = build_plan(None, [{"metric": "anls"}], None, compat="strict")

    (scored,) = score_document(plan, {}, AnswerKey(target="abcd"), [["  abxx  "]])

    assert scored.metrics == {"anls": 0.75}


@pytest.mark.parametrize(
    ("reference", "prediction", "counts"),
    [
        ("the cat sat", "the cat sat", [0, 3]),
        ("the cat sat", "the cat", [1, 3]),
        ("the cat sat", "the big cat sits", [2, 3]),
        ("The CAT, sat!", "the cat sat", [0, 3]),
        ("don't", "don’t", [0, 1]),
        ("well-known", "well known", [0, 2]),
        ("", "so it is", [3, 0]),
        ("the cat", None, [2, 2]),
    ],
)
def test_words_to_edit_are_counted(
    reference: str, prediction: str | None, counts: list[int]
) -> None:
    assert word_errors(references=[reference], predictions=[prediction]) == counts
    assert value({"metric": "word_error_rate"}, reference, prediction) == counts


def test_the_error_rate_is_that_of_the_whole_corpus() -> None:
    # The mean of the documents' own rates would be 75 %.
    assert error_rate([[1, 1], [5, 10]]) == pytest.approx(600 / 11)
    assert error_rate([[0, 0]]) is None


def test_error_rates_are_those_of_jiwer() -> None:
    jiwer = pytest.importorskip("jiwer", reason="jiwer is the independent count")
    draw = random.Random(0)
    words = ["the", "cat", "sat", "on", "a", "mat", "and", "slept"]
    said = [" ".join(draw.choices(words, k=draw.randint(1, 12))) for _ in range(100)]
    heard = [" ".join(draw.choices(words, k=draw.randint(0, 12))) for _ in range(100)]

    counts = [
        word_errors(references=[one], predictions=[other])
        for one, other in zip(said, heard, strict=True)
    ]

    assert error_rate(counts) == pytest.approx(100 * jiwer.wer(said, heard))


def test_whispers_english_makes_texts_alike() -> None:
    pytest.importorskip("whisper_normalizer", reason="it is the package under test")

    counts = word_errors(
        references=["Mr. Poe won't pay $20 for the colour."],
        predictions=["mister poe will not pay twenty dollars for the color"],
        normalizer="whisper_english",
    )

    assert counts == [0, 9]


def test_basic_words_keep_apostrophes_within() -> None:
    assert basic_words("'Tis the boys' — don't!") == "tis the boys don't"


def test_an_unknown_normaliser_names_the_nearest() -> None:
    with pytest.raises(OptionError, match="did you mean 'whisper_english'"):
        build_plan(
            None, [{"metric": "word_error_rate", "normalizer": "wisper_english"}], None
        )


# Right and said: 2 of 3 "yes" right, 2 of 4 to be found, 3 of 8 said.
ANSWERS = [
    ("yes", "yes"),
    ("yes", "yes"),
    ("yes", "no"),
    ("yes", None),
    ("no", "yes"),
    ("no", "no"),
    ("no", "no"),
    ("no", None),
]


def test_figures_of_yes_and_no() -> None:
    assert yes_precision(ANSWERS) == pytest.approx(2 / 3)
    assert yes_recall(ANSWERS) == pytest.approx(2 / 4)
    assert yes_f1(ANSWERS) == pytest.approx(4 / 7)
    assert yes_ratio(ANSWERS) == pytest.approx(3 / 8)


def test_the_yes_ratio_is_that_of_the_answers() -> None:
    assert yes_ratio([("yes", "no"), ("no", "no")]) == 0.0
    assert yes_ratio([("no", "yes"), ("no", "yes")]) == 1.0


def test_figures_of_no_yes_are_zero() -> None:
    nothing = [("no", "no")]

    assert (yes_precision(nothing), yes_recall(nothing), yes_f1(nothing)) == (0, 0, 0)


def test_pairs_of_yes_and_no_go_to_the_aggregation() -> None:
    assert value({"metric": "yes_f1"}, "yes", None) == ["yes", None]


def test_a_group_is_right_where_all_of_it_is() -> None:
    metric = {"metric": "group_match", "group": "index", "modulo": 1_000_000, "size": 2}
    rows = [
        value(metric, "A", "a", index=1),
        value(metric, "B", "B", index=1_000_001),
        value(metric, "A", "A", index=2),
        value(metric, "B", None, index=1_000_002),
        # Its copy was not asked.
        value(metric, "A", "A", index=3),
    ]

    assert rows[0] == ["1", 1.0, 2]
    assert all_right(rows) == 0.5
    assert all_right(rows[4:]) is None


def test_groups_come_as_they_are_without_a_size() -> None:
    metric = {"metric": "group_match", "group": lambda doc: doc["image"]}

    rows = [value(metric, "yes", answer, image="a.png") for answer in ("yes", "no")]

    assert all_right(rows) == 0.0
    assert all_right(rows[:1]) == 1.0


def test_the_column_of_a_group_has_to_be_there() -> None:
    with pytest.raises(ScoringError, match="needs a column 'index'"):
        value({"metric": "group_match", "group": "index"}, "A", "A")


def test_a_group_has_to_be_named() -> None:
    with pytest.raises(OptionError, match="needs the argument 'group'"):
        build_plan(None, [{"metric": "group_match"}], None)


def test_repeats_score_their_mean_or_are_refused() -> None:
    keep = {"name": "all", "filter": [{"function": "number"}]}
    key = AnswerKey(target="3")
    plan = build_plan([keep], [{"metric": "number_match"}], None)
    errors = build_plan([keep], [{"metric": "word_error_rate"}], None)

    (scored,) = score_document(plan, {}, key, [["3", "4", "three", "?"]])

    assert scored.metrics == {"number_match": 0.5}
    with pytest.raises(ScoringError, match="scores one answer of a document, not 2"):
        score_document(errors, {}, key, [["3", "4"]])


@pytest.mark.parametrize("metric", ["yes_ratio", "yes_precision", "word_error_rate"])
def test_errors_of_ratios_are_near_those_of_means(metric: str) -> None:
    # Of equal weights, each of these is a mean: of answers, of golds, of errors.
    plan = build_plan(None, [{"metric": metric}], None)
    scores = [1.0, 0.0, 0.0, 1.0, 1.0] * 40
    values: dict[str, list[Any]] = {
        "yes_ratio": [("no", "yes" if score else "no") for score in scores],
        "yes_precision": [("yes" if score else "no", "yes") for score in scores],
        "word_error_rate": [[score, 1] for score in scores],
    }

    error = standard_error_of(plan.metrics[0], values[metric])

    scale = 100 if metric == "word_error_rate" else 1
    of_mean = standard_error(scores)
    assert of_mean is not None
    assert error == pytest.approx(scale * of_mean, rel=0.1)


@pytest.mark.parametrize("metric", ["yes_f1", "yes_recall"])
def test_errors_of_yes_are_those_of_its_figure(metric: str) -> None:
    numpy = pytest.importorskip("numpy", reason="it draws the documents")
    plan = build_plan(None, [{"metric": metric}], None)
    items = ANSWERS * 20
    draw = numpy.random.default_rng(3)
    figure = {"yes_f1": yes_f1, "yes_recall": yes_recall}[metric]
    replicates = [
        figure([items[row] for row in draw.integers(0, len(items), len(items))])
        for _ in range(1000)
    ]

    error = standard_error_of(plan.metrics[0], items)

    assert error == pytest.approx(numpy.std(replicates, ddof=1), rel=0.15)


def test_the_error_of_groups_is_that_of_a_mean_of_groups() -> None:
    plan = build_plan(None, [{"metric": "group_match", "group": "x"}], None)
    rows = [["a", 1.0, None], ["a", 0.0, None], ["b", 1.0, None], ["c", 1.0, None]]

    error = standard_error_of(plan.metrics[0], rows)

    assert error == pytest.approx(standard_error([0.0, 1.0, 1.0]))
    assert standard_error_of(plan.metrics[0], rows[:2]) is None
