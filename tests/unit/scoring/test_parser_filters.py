from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.errors import OptionError, ScoringError
from pytest_evalkit.scoring import (
    AnswerKey,
    Parsed,
    Scored,
    build_plan,
    read_choice,
    score_document,
)

FIRST = {"function": "take_first"}


def scored(
    *steps: dict[str, Any],
    answers: list[str],
    doc: dict[str, Any] | None = None,
    key: AnswerKey | None = None,
) -> Scored:
    plan = build_plan([{"name": "read", "filter": list(steps)}], None, None)
    (one,) = score_document(plan, doc or {}, key or AnswerKey(target="B"), [answers])
    return one


def test_what_is_not_found_scores_zero_and_is_told() -> None:
    choice = {"function": "choice", "letters": "ABCD"}

    right = scored(choice, FIRST, answers=["The answer is B."])
    wrong = scored(choice, FIRST, answers=["(C)"])
    unclear = scored(choice, FIRST, answers=["B or C"])
    nothing = scored(choice, FIRST, answers=["not sure"])

    assert [one.filtered for one in (right, wrong, unclear, nothing)] == [
        *("B", "C"),
        *(None, None),
    ]
    assert [one.metrics["exact_match"] for one in (right, wrong, unclear, nothing)] == [
        *(1.0, 0.0),
        *(0.0, 0.0),
    ]
    assert [one.parsed[0].status for one in (right, wrong, unclear, nothing)] == [
        *("found", "found"),
        *("ambiguous", "none"),
    ]


def test_nothing_equals_no_target_that_says_none() -> None:
    one = scored(
        {"function": "yes_no"}, FIRST, answers=["?"], key=AnswerKey(target="None")
    )

    assert one.metrics == {"exact_match": 0.0}


@pytest.mark.parametrize(
    ("arguments", "doc"),
    [
        ({"options": "options"}, {"options": ["cat", "dog"]}),
        ({"options": "options"}, {"options": "['cat', 'dog']"}),
        ({"options": ["A", "B", "C"]}, {"A": "cat", "B": "dog", "C": None}),
        ({"options": ["A", "B", "C"]}, {"A": "cat", "B": "dog", "C": float("nan")}),
        (
            {"options": ["A", "B", "C"], "absent": ["N/A"]},
            {"A": "cat", "B": "dog", "C": "N/A"},
        ),
        ({"options": lambda doc: doc["x"].split("|")}, {"x": "cat|dog"}),
    ],
)
def test_options_come_from_the_document(
    arguments: dict[str, Any], doc: dict[str, Any]
) -> None:
    choice = {"function": "choice", **arguments}

    assert scored(choice, FIRST, answers=["a dog"], doc=doc).filtered == "B"
    assert scored(choice, FIRST, answers=["C"], doc=doc).filtered is None


def test_options_are_the_choices_of_the_task_unless_said() -> None:
    key = AnswerKey(target="dog", choices=("cat", "dog"))
    choice = {"function": "choice", "give": "text"}

    one = scored(choice, FIRST, answers=["The answer is (B)"], key=key)

    assert one.filtered == "dog"
    assert one.metrics == {"exact_match": 1.0}


def test_a_choice_can_be_given_by_its_position() -> None:
    choice = {"function": "choice", "letters": "ABC", "give": "position"}

    assert scored(choice, FIRST, answers=["C"]).filtered == 2


def test_each_repeat_is_told_and_the_lost_do_not_vote() -> None:
    choice = {"function": "choice", "letters": "AB"}
    vote = {"function": "majority_vote"}

    one = scored(choice, vote, answers=["?", "B", "hm", "?"])

    assert one.filtered == ["B"]
    assert one.metrics == {"exact_match": 1.0}
    assert [each.status for each in one.parsed] == ["none", "found", "none", "none"]
    assert scored(choice, vote, answers=["?", "?"]).filtered == [None]


def test_what_is_not_found_passes_later_filters() -> None:
    one = scored({"function": "yes_no"}, {"function": "uppercase"}, answers=["?"])

    assert one.filtered == [None]


def test_a_pattern_that_does_not_match_is_told() -> None:
    regex = {"function": "regex", "regex_pattern": r"\d+"}

    one = scored(regex, FIRST, answers=["none"])

    assert one.filtered == "[invalid]"
    assert one.parsed == (Parsed(value="[invalid]", status="none"),)


def test_the_last_filter_that_reads_tells() -> None:
    final, number = {"function": "final_answer"}, {"function": "number"}

    one = scored(
        final, number, FIRST, answers=["<answer>7</answer>"], key=AnswerKey(target=7)
    )

    assert one.filtered == 7
    assert one.metrics == {"exact_match": 1.0}
    assert [each.rule for each in one.parsed] == ["digits"]


def test_a_scorer_of_the_task_tells_how_it_read() -> None:
    def process(doc: Any, results: list[str]) -> dict[str, Any]:
        parsed = read_choice(results[0], doc["options"])
        return {"acc": float(parsed.value == doc["answer"]), "parsed": parsed}

    plan = build_plan(None, [{"metric": "acc"}], process)
    doc = {"options": ["cat", "dog"], "answer": "B"}

    (one,) = score_document(plan, doc, AnswerKey(), [["neither"]])

    assert one.metrics == {"acc": 0.0}
    assert one.parsed == (Parsed(status="none"),)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"function": "choice", "give": "leter"}, "did you mean 'letter'"),
        ({"function": "choice", "letters": "AA"}, "needs different letters"),
        ({"function": "choice", "options": 4}, "a column, a list of columns"),
        ({"function": "number", "which": "larst"}, "did you mean 'last'"),
        ({"function": "number", "percent": "share"}, "valid: fraction, ignore"),
        ({"function": "yes_no", "which": "last"}, "it has none"),
    ],
)
def test_a_wrong_argument_of_a_parser_is_refused(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        build_plan([{"name": "x", "filter": [arguments]}], None, None)


@pytest.mark.parametrize(
    ("arguments", "doc", "message"),
    [
        ({}, {}, "knows no options"),
        ({"options": "option"}, {"options": []}, "did you mean 'options'"),
        ({"options": "options"}, {"options": "cat, dog"}, "holds no list"),
        ({"options": "o", "letters": "AB"}, {"o": ["x", "y", "z"]}, "only 2 letters"),
    ],
)
def test_options_that_cannot_be_told_are_an_error(
    arguments: dict[str, Any], doc: dict[str, Any], message: str
) -> None:
    with pytest.raises(ScoringError, match=message):
        scored({"function": "choice", **arguments}, answers=["A"], doc=doc)
