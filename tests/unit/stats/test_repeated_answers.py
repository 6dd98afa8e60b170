from __future__ import annotations

from itertools import combinations, permutations
from statistics import variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.stats import (
    consistency,
    majority_at_k,
    mean_at_k,
    pass_at_k,
    within_variance,
)


@pytest.mark.parametrize("asked", range(1, 9))
def test_pass_at_k_is_the_share_of_choices_with_a_right_answer(asked: int) -> None:
    for right in range(asked + 1):
        answers = [True] * right + [False] * (asked - right)
        for k in range(1, asked + 1):
            chosen = [any(some) for some in combinations(answers, k)]

            assert pass_at_k(right, asked, k) == pytest.approx(
                sum(chosen) / len(chosen)
            )


def test_pass_at_k_of_very_many_answers_is_a_number() -> None:
    # C(99,990, 100) / C(100,000, 100) is (0.999)^10 but for a few parts in 10^5.
    assert pass_at_k(10, 100_000, 100) == pytest.approx(1 - 0.999**10, rel=1e-4)


@pytest.mark.parametrize(("right", "asked", "k"), [(3, 2, 1), (0, 2, 3), (0, 2, 0)])
def test_pass_at_k_of_what_cannot_be_is_refused(right: int, asked: int, k: int) -> None:
    with pytest.raises(ValueError, match=r"cannot be right|needs"):
        pass_at_k(right, asked, k)


def test_each_document_counts_once_in_a_mean() -> None:
    assert mean_at_k([[1.0], [0.0, 0.0, 0.0]]) == 0.5


@pytest.mark.parametrize(
    ("answers", "score"),
    [
        (["b", "a", "b"], 0.0),
        (["a", "b", "b", "a"], 1.0),
        (["b", "a", "a", "b"], 0.0),
        ([None, None, "a"], 1.0),
        ([None, None], 0.0),
    ],
)
def test_the_most_frequent_answer_is_scored(
    answers: list[str | None], score: float
) -> None:
    scores = [float(answer == "a") for answer in answers]

    assert majority_at_k(answers, scores) == score


def test_no_answers_have_no_majority() -> None:
    assert majority_at_k([], []) is None


def test_a_majority_needs_a_score_for_each_answer() -> None:
    with pytest.raises(ValueError, match="1 answers have 2 scores"):
        majority_at_k(["a"], [1.0, 0.0])


@given(st.lists(st.lists(st.floats(0, 1), min_size=2), min_size=1, max_size=5))
def test_the_variance_within_documents_is_averaged(scores: list[list[float]]) -> None:
    expected = sum(variance(own) for own in scores) / len(scores)

    assert within_variance(scores) == pytest.approx(expected, abs=1e-12)


def test_documents_asked_once_do_not_vary() -> None:
    assert within_variance([[1.0], [0.0]]) is None
    assert within_variance([[1.0], [0.0, 1.0]]) == 0.5


@given(st.lists(st.sampled_from(["a", "b", None]), min_size=2, max_size=6))
def test_consistency_is_the_share_of_equal_pairs(answers: list[str | None]) -> None:
    pairs = list(permutations(answers, 2))

    expected = sum(one == other for one, other in pairs) / len(pairs)

    assert consistency([answers, ["alone"]]) == pytest.approx(expected)


def test_documents_asked_once_have_no_consistency() -> None:
    assert consistency([["a"], []]) is None
