from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.scoring import (
    ANSWER_FORM,
    DEFAULT_REASONING_TAGS,
    AnswerKey,
    Scored,
    build_plan,
    format_score,
    reasoned_answer,
    reasoned_plan,
    score_document,
    strip_reasoning,
)

ASKED = "<analysis>It barks.</analysis>\n<answer>B</answer>"


@pytest.mark.parametrize(
    ("text", "score"),
    [
        (ASKED, 1.0),
        (f"\n {ASKED}\n", 1.0),
        (ANSWER_FORM.replace("{answer}", "B"), 1.0),
        ("<analysis>a\nb\n\nc</analysis><answer>B</answer>", 1.0),
        (f"<think>Hm. <answer>?</answer></think>{ASKED}", 1.0),
        ("", 0.0),
        ("B", 0.0),
        ("\\boxed{B}", 0.0),
        ("<answer>B</answer>", 0.0),
        ("<think>It barks.</think><answer>B</answer>", 0.0),
        ("<analysis>It barks.</analysis>B", 0.0),
        ("<analysis></analysis><answer>B</answer>", 0.0),
        ("<analysis>It barks.</analysis><answer> </answer>", 0.0),
        ("<analysis>It barks.<answer>B</answer>", 0.0),
        ("<analysis>It barks.</analysis><answer>B", 0.0),
        (f"So: {ASKED}", 0.0),
        (f"{ASKED} That is all.", 0.0),
        ("<analysis>a</analysis> so <answer>B</answer>", 0.0),
        ("<answer>B</answer><analysis>a</analysis>", 0.0),
        (f"{ASKED}{ASKED}", 0.0),
        (f"{ASKED}<answer>C</answer>", 0.0),
        ("<analysis>a <answer>A</answer></analysis><answer>B</answer>", 0.0),
        # Long, with signs of formulas and an answer: the form is another one.
        (f"x + y = (2 * 3) / 4, and so on and on{' and on' * 9} <answer>B</answer>", 0),
    ],
)
def test_only_the_form_that_was_asked_for_counts(text: str, score: float) -> None:
    assert format_score(text) == score


@pytest.mark.parametrize(
    ("raw", "answer", "rule"),
    [
        (ASKED, "B", "answer_tag"),
        ("<answer>A</answer> No. <answer>B</answer>", "B", "answer_tag"),
        (
            "<analysis><answer>A</answer></analysis><answer>B</answer>",
            "B",
            "answer_tag",
        ),
        (
            "<analysis>a</analysis><answer>\\boxed{B}</answer>",
            "\\boxed{B}",
            "answer_tag",
        ),
        ("<analysis>It barks. <answer>B</answer>\n", "B", "answer_tag"),
        ("<analysis>a</analysis> \\boxed{\\frac{1}{2}}", "\\frac{1}{2}", "boxed"),
        ("\\boxed{1}, or rather \\boxed{2}", "2", "boxed"),
        ("<analysis>a</analysis> The answer is B.", "The answer is B.", "rest"),
        ("<analysis>Perhaps <answer>A</answer>, or not", "", None),
        ("<analysis>a</analysis><answer></answer>", "", None),
        ("<analysis>It goes on and on", "", None),
    ],
)
def test_the_last_answer_is_scored(raw: str, answer: str, rule: str | None) -> None:
    stripped = strip_reasoning(raw, DEFAULT_REASONING_TAGS)

    parsed = reasoned_answer(raw, stripped.text)

    assert (parsed.value, parsed.rule) == (answer, rule)
    assert parsed.is_found == (answer != "")


def scored(metrics: list[dict[str, Any]], raw: list[str], **more: Any) -> Scored:
    scorer, filters = more.pop("process_results", None), more.pop("filters", None)
    plan = reasoned_plan(build_plan(filters, metrics, scorer), more.pop("metric", None))
    texts = [strip_reasoning(text, DEFAULT_REASONING_TAGS).text for text in raw]
    (one,) = score_document(plan, {}, AnswerKey(**more), [texts], [raw])
    assert set(one.metrics) <= {metric.name for metric in plan.metrics}
    return one


def test_the_metric_of_the_task_scores_the_answer_alone() -> None:
    one = scored([{"metric": "exact_match"}], [ASKED], target="B")

    assert one.metrics == {"acc_score": 1.0, "format_score": 1.0}
    assert [each.rule for each in one.parsed] == ["answer_tag"]


def test_tolerances_and_similarities_stay_those_of_the_task() -> None:
    chart = "<analysis>a</analysis><answer>10.4</answer>"
    page = "<analysis>a</analysis> \\boxed{Pari}"

    one = scored([{"metric": "relaxed_accuracy"}], [chart], target="10")
    other = scored([{"metric": "anls"}], [page], target=["Paris"])

    assert one.metrics == {"acc_score": 1.0, "format_score": 1.0}
    assert other.metrics == {"acc_score": 0.8, "format_score": 0.0}


@pytest.mark.parametrize(
    ("gold", "said"), [("Blue", "Black"), ("Germany", "Greece"), ("Canada", "Cuba")]
)
def test_words_that_begin_with_a_letter_are_no_letters(gold: str, said: str) -> None:
    raw = f"<analysis>a</analysis><answer>{said}</answer>"

    assert scored([{"metric": "exact_match"}], [raw], target=gold).metrics == {
        "acc_score": 0.0,
        "format_score": 1.0,
    }


def test_filters_of_the_task_read_the_answer_and_tell() -> None:
    filters = [{"name": "choice", "filter": [{"function": "choice", "letters": "AB"}]}]
    raw = ["<analysis>A?</analysis><answer>Neither</answer>"]

    one = scored([{"metric": "exact_match"}], raw, target="A", filters=filters)

    assert one.metrics == {"acc_score": 0.0, "format_score": 1.0}
    assert [each.status for each in one.parsed] == ["none"]


def test_a_scorer_of_the_task_gets_the_answer_alone() -> None:
    seen: list[Any] = []

    def process(_doc: Any, results: list[str]) -> dict[str, float]:
        seen.extend(results)
        return {"overall": 1.0, "colour": 0.5}

    metrics = [{"metric": "overall"}, {"metric": "colour"}]
    first = scored(metrics, [ASKED], process_results=process)
    second = scored(metrics, [ASKED], process_results=process, metric="colour")

    assert seen == ["B", "B"]
    assert first.metrics == {"acc_score": 1.0, "colour": 0.5, "format_score": 1.0}
    assert second.metrics == {"overall": 1.0, "acc_score": 0.5, "format_score": 1.0}


def test_repeats_score_their_means() -> None:
    keep = [{"name": "all", "filter": [{"function": "remove_whitespace"}]}]

    one = scored(
        [{"metric": "exact_match"}], [ASKED, "\\boxed{B}"], target="B", filters=keep
    )

    assert one.metrics == {"acc_score": 1.0, "format_score": 0.5}


def test_a_metric_that_the_task_lacks_names_the_nearest() -> None:
    plan = build_plan(None, [{"metric": "anls"}], None)

    with pytest.raises(OptionError, match="did you mean 'anls'"):
        reasoned_plan(plan, "anl")


def test_the_names_of_the_variant_are_not_the_tasks() -> None:
    plan = build_plan(None, [{"metric": "format_score"}], lambda _doc, _results: {})

    with pytest.raises(OptionError, match="metric 'format_score' of its own"):
        reasoned_plan(plan)
