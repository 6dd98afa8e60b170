from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

LoadModule = Callable[[str], ModuleType]

pytest.importorskip("math_verify", reason="MATH is scored by math-verify")


@pytest.fixture
def utils(load_module: LoadModule) -> ModuleType:
    return load_module("math/utils.py")


@pytest.mark.parametrize(
    ("text", "value", "status"),
    [
        (r"So it is $\boxed{7}$.", "7", "found"),
        (r"First \boxed{3}, then \boxed{\frac{1}{2}}.", r"\frac{1}{2}", "found"),
        ("Final Answer: The final answer is $7$. I hope it is correct.", "7", "found"),
        ("The answer is 7.", "7", "found"),
        ("**The final answer is: 7**", "7", "found"),
        (r"The answer is \(\frac{1}{2}\).", r"\frac{1}{2}", "found"),
        ("The answer is $3$.\nNo.\nThe answer is $7$.", "7", "found"),
        (r"\boxed{3} is wrong. The answer is $7$.", "7", "found"),
        (r"The answer is 3? No: \boxed{7}", "7", "found"),
        (r"The final answer is \boxed{7}.", "7", "found"),
        (r"<answer>\boxed{7}</answer>", "7", "found"),
        ("7", "7", "found"),
        ("x = 7 or\nperhaps 8", None, "none"),
        ("", None, "none"),
        (r"\boxed{}", None, "none"),
        ("The answer is", None, "none"),
    ],
)
def test_the_final_answer_is_the_last_box_or_statement(
    utils: ModuleType, text: str, value: str | None, status: str
) -> None:
    answer = utils.read_answer(text)

    assert (answer.value, answer.status) == (value, status)


@pytest.mark.parametrize(
    ("gold", "answer", "score"),
    [
        (r"\frac{1}{3}", "1/3", 1.0),
        (r"\frac13", r"\dfrac{1}{3}", 1.0),
        (r"\frac{1}{2}", "0.5", 1.0),
        (r"2\sqrt{5}", r"\sqrt{20}", 1.0),
        ("(-3,3)", "(-3, 3)", 1.0),
        ("25\\%", "25", 1.0),
        (r"\text{odd}", "odd", 1.0),
        (r"\left(2,\frac{\pi}{2}\right)", r"(2, \pi/2)", 1.0),
        ("x^2+1", "1 + x^2", 1.0),
        ("1000", "1,000", 1.0),
        ("7", "x = 7", 1.0),
        ("10", r"10 \text{ cm}", 1.0),
        ("(-3,3)", "[-3,3]", 0.0),
        (r"\text{odd}", r"\text{even}", 0.0),
        (r"\text{odd}", "even", 0.0),
        ("7", "8", 0.0),
        (r"\frac{1}{3}", "0.3", 0.0),
        ("x^2+1", "x^2-1", 0.0),
        ("7", "seven or eight", 0.0),
        ("7", r"\frac{", 0.0),
    ],
)
def test_answers_are_right_where_they_mean_the_same(
    utils: ModuleType, gold: str, answer: str, score: float
) -> None:
    doc = {"solution": rf"It is \boxed{{1}}, I mean $\boxed{{{gold}}}$."}

    scored = utils.process_results(doc, [f"The answer is ${answer}$."])

    assert scored["math_verify"] == score


def test_a_solution_without_a_box_is_an_error(utils: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"the solution has no box: 'It is 7\.'"):
        utils.process_results({"solution": "It is 7."}, ["7"])
