from __future__ import annotations

import pytest

from tests.unit.benchmarks.scored_answers import judge, open_sample, prompt_of


# Expected are "$1,250.00" and "1,250.00" (90000), "Dr. Ines Falk" and "Ines Falk"
# (90001), "4 May 1987" (90002), and "7" (90003).
@pytest.mark.parametrize(
    ("item", "answer", "score"),
    [
        ("90000", "$1,250.00", 1.0),
        ("90000", "1,250.00", 1.0),
        # Two of eight characters are missing.
        ("90000", "1,250.", 0.75),
        ("90001", "INES FALK", 1.0),
        ("90001", "Dr.  Ines\nFalk", 1.0),
        # Four of 13 characters are left out of one, nothing of the other.
        ("90001", "  Ines Falk  ", 1.0),
        # One letter of nine.
        ("90001", "Ines Falc", 8 / 9),
        # Five of ten: exactly at the threshold.
        ("90002", "4 May", 0.5),
        # Six of ten: below it.
        ("90002", "1987", 0.0),
        # Two characters in front are missing, three are too many: five of eleven.
        ("90002", "May 4, 1987", 6 / 11),
        ("90003", "7", 1.0),
        ("90003", "seven", 0.0),
        ("90003", "The answer is 7", 0.0),
        ("90003", "", 0.0),
        ("90003", "I cannot read it", 0.0),
    ],
)
def test_an_answer_about_a_page_is_worth_its_similarity(
    item: str, answer: str, score: float
) -> None:
    judged = judge("docvqa/docvqa_val.yaml", item, answer)

    assert judged.metrics == {"anls": pytest.approx(score)}


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("bike, bus", 1.0),
        ("Bus, Bike", 1.0),
        ("bus,bike", 8 / 9),
        # The order of the other answer is nearer: nothing but "tram, " is too much.
        ("tram, bus, bike", 9 / 15),
        ("tram", 0.0),
    ],
)
def test_spans_of_an_infographic_come_in_any_listed_order(
    answer: str, score: float
) -> None:
    judged = judge("infovqa/infovqa_val.yaml", "80001", answer)

    assert judged.metrics == {"anls": pytest.approx(score)}


@pytest.mark.parametrize(
    ("answer", "scores"),
    [
        (
            "<analysis>Read.</analysis><answer>7</answer>",
            {"acc_score": 1.0, "format_score": 1.0},
        ),
        (
            "<answer>30</answer> no, <answer>7</answer>",
            {"acc_score": 1.0, "format_score": 0.0},
        ),
        (r"So it is \boxed{7}.", {"acc_score": 1.0, "format_score": 0.0}),
        (
            "<analysis>7</analysis><answer></answer>",
            {"acc_score": 0.0, "format_score": 0.0},
        ),
    ],
)
def test_an_analysed_answer_has_the_same_rule_and_a_form(
    answer: str, scores: dict[str, float]
) -> None:
    judged = judge("docvqa/docvqa_val_reasoning.yaml", "90003", answer)

    assert judged.metrics == scores


@pytest.mark.parametrize(
    ("answer", "value"), [("Room 5", 1.0), ("0", 1.0), ("", 0.0), (" \n", 0.0)]
)
@pytest.mark.parametrize(
    ("task", "item"),
    [("docvqa/docvqa_test.yaml", "90100"), ("infovqa/infovqa_test.yaml", "80100")],
)
def test_a_question_without_public_answers_is_answered_or_not(
    task: str, item: str, answer: str, value: float
) -> None:
    assert judge(task, item, answer).metrics == {"answered": value}


def test_pages_of_the_test_split_have_no_answers() -> None:
    documents = open_sample("docvqa/docvqa_test.yaml").documents

    assert [documents[row]["answers"] for row in range(len(documents))] == [None, None]


def test_a_page_is_asked_about_in_a_word_or_phrase() -> None:
    assert prompt_of("docvqa/docvqa_val.yaml", "90003") == (
        "How many cups of cocoa were sold?\n"
        "Answer the question using a single word or phrase."
    )
