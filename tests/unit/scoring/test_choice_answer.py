from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.scoring.choice_answer import read_choice

ANIMALS = ["cat", "dog", "red car", "car"]


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("A", "A"),
        ("b", "B"),
        ("(A)", "A"),
        ("(b)", "B"),
        ("A.", "A"),
        ("A)", "A"),
        ("A:", "A"),
        ("B。", "B"),
        ("“B”", "B"),
        ("**A**", "A"),
        ("\\boxed{A}", "A"),
        ("$\\boxed{\\text{B}}$", "B"),
        ("So the answer is $\\boxed{(B)}$, since A fails.", "B"),
        ("<answer>A</answer>", "A"),
        ("<answer>The answer is (D)</answer>", "D"),
        ("the answer is (A)", "A"),
        ("The answer is (C)", "C"),
        ("The answer is B", "B"),
        ("Answer: A", "A"),
        ("Answer is\nB", "B"),
        ("**Answer:** C", "C"),
        ("Final Answer: **(D)**", "D"),
        ("The best answer is: B", "B"),
        ("The correct option is C.", "C"),
        ("The answer to the question is C.", "C"),
        ("The answer choice that fits best is B", "B"),
        ("My choice is d.", "D"),
        ("option A", "A"),
        ("I'd go with option B.", "B"),
        ("Among the options, B is the best answer", "B"),
        ("B\n\nBecause the picture shows a cat (A).", "B"),
        ("The picture shows it.\n\nD", "D"),
        ("B. It has wings", "B"),
        ("B) It has wings", "B"),
        ("(B) It has wings", "B"),
        ("Hence, (B)", "B"),
        ("therefore B.", "B"),
        ("I think it's C", "C"),
        ("答案是A", "A"),
        ("答案：B", "B"),
        ("正确答案为选项C。", "C"),
        ("选C", "C"),
        ("选项B", "B"),
        ("应选（D）。", "D"),
        ("故选：D", "D"),
        ("A是正确的", "A"),
        ("正解はCです", "C"),
        ("정답은 B입니다", "B"),
    ],
)
def test_a_letter_is_read_in_each_form(text: str, letter: str) -> None:
    parsed = read_choice(text, 4)

    assert (parsed.value, parsed.status) == (letter, "found")
    assert parsed.rule


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("The answer is B because A is wrong", "B"),
        ("The answer is B, A is wrong", "B"),
        ("The answer is B and A is wrong", "B"),
        ("I choose B over A", "B"),
        ("It's (B) rather than (A)", "B"),
        ("A rather than B", "A"),
        ("B, not A", "B"),
        ("(A) because (B) is wrong", "A"),
        ("Option A is incorrect; option B is correct.", "B"),
        ("The answer is not A but C", "C"),
        ("Between A and B, B is correct", "B"),
        ("If the answer is A, then it flies. So the answer is D", "D"),
        ("我选择B而不是A", "B"),
        ("选B不选A", "B"),
        ("答案是A，因为B不对", "A"),
    ],
)
def test_what_is_denied_or_compared_is_not_the_answer(text: str, letter: str) -> None:
    assert read_choice(text, 4).value == letter


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("The answer is A. Wait, actually the answer is B.", "B"),
        ("<answer>A</answer> No: <answer>B</answer>", "B"),
        ("\\boxed{A}. Wait: the answer is B", "B"),
        ("The answer is A. After another look: \\boxed{C}", "C"),
        ("A. cat\nB. dog\nThe answer is B", "B"),
    ],
)
def test_the_last_statement_wins(text: str, letter: str) -> None:
    assert read_choice(text, 4).value == letter


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not sure",
        "Not sure.",
        "The",
        "A cat sits",
        "Based on the image",
        "Blue, or black?",
        "Vitamin A",
        "E",
        "The answer is (E)",
        "none of the above",
        "The man Eats. A Big dog",
        "A is to the left of B",
        "I don't think the answer is A",
        "It cannot be A.",
        "It is not A",
        "Is the answer A? No.",
        "Neither A nor B is correct",
        "答案不是A",
        "A不正确",
    ],
)
def test_where_no_letter_is_meant_none_is_found(text: str) -> None:
    parsed = read_choice(text, 4)

    assert (parsed.value, parsed.status) == (None, "none")


@pytest.mark.parametrize(
    "text",
    [
        "A, B",
        "A and C",
        "The answer is A or B",
        "Select A, B, C or D",
        "A. cat\nB. dog\nC. bird",
        "(A) cat (B) dog",
    ],
)
def test_several_letters_are_ambiguous(text: str) -> None:
    parsed = read_choice(text, 4)

    assert (parsed.value, parsed.status) == (None, "ambiguous")


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("The correct answer is:\n\nB. dog", "B"),
        ("Therefore, the answer is (B) dog.", "B"),
        ("**B**\n\nExplanation: A is too small", "B"),
        ("Thus the answer: $\\boxed{\\textbf{(C)}}$", "C"),
        ("<answer>B, because A is wrong</answer>", "B"),
        ("A or B? The answer is B.", "B"),
        ("The answer isn't B; it's C.", "C"),
        ("D) None of the above", "D"),
        ("The object is a dog, which corresponds to option B.", "B"),
        ("B is incorrect, C is incorrect, so D", "D"),
        ("Option A: wrong. Option B: wrong. Option C: right.", "C"),
        ("I would rule out A and B, leaving C. So the answer is C", "C"),
        ("The answer is B.\n\nNote: option A could be argued.", "B"),
        ("The man is wearing a blue shirt. A", "A"),
        ("Statement I is true, so A", "A"),
        ("本题选B", "B"),
        ("B选项正确", "B"),
        ("因此，答案为：**B. 狗**", "B"),
        ("排除A和C，选B", "B"),
    ],
)
def test_answers_as_models_write_them(text: str, letter: str) -> None:
    assert read_choice(text, 4).value == letter


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("dog", "B"),
        ("Dog.", "B"),
        ("A cat sits", "A"),
        ("A cat", "A"),
        ("(A) cat", "A"),
        ("B: dog", "B"),
        ("B - dog", "B"),
        ("The answer is A cat", "A"),
        ("The answer is a dog", "B"),
        ("The answer is the red car.", "C"),
        ("It is a red car", "C"),
        ("a dog, not a cat", "B"),
        ("The correct answer is **B. dog**.", "B"),
        ("<answer>red car</answer>", "C"),
        ("\\boxed{dog}", "B"),
        ("dogs and cathedrals", None),
        ("cat and dog", None),
        ("A bird", None),
    ],
)
def test_an_option_is_read_from_its_text(text: str, letter: str | None) -> None:
    assert read_choice(text, ANIMALS).value == letter


@pytest.mark.parametrize(
    ("text", "choices", "letter"),
    [
        ("Blue", ["Black", "Blue"], "B"),
        ("Germany", ["Greece", "Germany"], "B"),
        ("Canada", ["Cuba", "Canada"], "B"),
        ("The answer is C major", ["D major", "C major"], "B"),
        ("3", ["2", "3"], "B"),
        ("There are 13 of them", ["3", "13"], "B"),
        ("about 3.5", ["3", "5"], None),
        ("It equals -3.", ["3", "-3"], "B"),
        ("x = 2", ["x = 1", "x = 2"], "B"),
        ("a cat, a cat", ["cat", "cat"], None),
        ("(B) dog", ["(A) cat", "(B) dog"], "B"),
        ("dog", ["(A) cat", "(B) dog"], "B"),
        ("是红色", ["红色", "蓝色"], "A"),
        ("D", ["x", "y", None, "z"], "D"),
        ("C", ["x", "y", None, "z"], None),
        ("C", ["x", "y", ""], None),
    ],
)
def test_the_options_are_those_of_the_document(
    text: str, choices: Sequence[str | None], letter: str | None
) -> None:
    assert read_choice(text, choices).value == letter


def test_pronouns_are_no_ninth_option() -> None:
    assert read_choice("I think so", 9).value is None
    assert read_choice("I", 9).value == "I"
    assert read_choice("I believe the answer is I.", 9).value == "I"


def test_letters_may_be_any() -> None:
    assert read_choice("The answer is 2", 3, letters="123").value == "2"
    assert read_choice("(F)", 2, letters="FG").value == "F"


def test_more_options_than_letters_are_refused() -> None:
    with pytest.raises(ValueError, match="3 options have only 2 letters"):
        read_choice("A", 3, letters="AB")


def test_the_rule_is_told() -> None:
    assert read_choice("B", 4).rule == "letter"
    assert read_choice("the answer is B", 4).rule == "statement"
    assert read_choice("<answer>B</answer>", 4).rule == "answer_tag.letter"
    assert read_choice("I saw a dog", ANIMALS).rule == "contained"


@given(st.text(max_size=200), st.integers(1, 10))
def test_any_text_gives_a_letter_of_the_options_or_none(text: str, count: int) -> None:
    parsed = read_choice(text, count)

    assert parsed == read_choice(text, count)
    assert parsed.is_found == (parsed.value is not None)
    assert parsed.value is None or parsed.value in "ABCDEFGHIJ"[:count]


@pytest.mark.parametrize(
    "text",
    ["- ", "option A is ", "answer: ", "\\boxed{", "answer to ", "cat ", " ", "not A "],
)
def test_an_answer_that_goes_round_in_circles_takes_no_longer(text: str) -> None:
    looping = text * (20_000 // len(text))

    assert read_choice(looping, ["cat", "dog"]).status in {"found", "ambiguous", "none"}
