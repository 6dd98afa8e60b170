from __future__ import annotations

import pytest

from tests.unit.benchmarks.scored_answers import judge, prompt_of


# What ten people say: baker st 8, baker street 2 (70000); 12 six times, exit 12 four
# times (70001); 2 or two (70002); don't (70003); unanswerable 4, smudge 3, and three
# others (70004).
@pytest.mark.parametrize(
    ("item", "answer", "score"),
    [
        ("70000", "baker st", 1.0),
        ("70000", "Baker St.", 1.0),
        ("70000", "The Baker St", 1.0),
        # Two people: for eight of the ten left out two others agree, for two one does.
        ("70000", "baker street", (8 * 2 / 3 + 2 * 1 / 3) / 10),
        ("70000", "baker", 0.0),
        ("70001", "12", 1.0),
        ("70001", "Exit 12", 1.0),
        ("70001", "twelve", 0.0),
        ("70002", "Two!", 1.0),
        ("70002", "2 dogs", 0.0),
        ("70003", "dont", 1.0),
        # Three people: full marks for seven, two thirds for three.
        ("70004", "smudge", (7 + 3 * 2 / 3) / 10),
        # One person: a third for nine, nothing for the one.
        ("70004", "fudge", 9 / 3 / 10),
        ("70004", "unanswerable", 1.0),
        ("70004", "", 0.0),
        ("70001", "The answer is 12", 0.0),
    ],
)
def test_an_answer_is_worth_how_many_people_agree(
    item: str, answer: str, score: float
) -> None:
    judged = judge("textvqa/textvqa_val.yaml", item, answer)

    assert judged.metrics == {"vqa_accuracy": pytest.approx(score)}


def test_a_question_is_in_lower_case_but_for_its_first_letter() -> None:
    assert prompt_of("textvqa/textvqa_val.yaml", "70001") == (
        "Which exit does the sign show?\n"
        "Answer the question using a single word or phrase."
    )
