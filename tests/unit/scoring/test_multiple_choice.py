from __future__ import annotations

import math
from typing import Any

import pytest

from pytest_evalkit.errors import ScoringError
from pytest_evalkit.scoring import AnswerKey, build_plan, score_document
from pytest_evalkit.scoring.aggregations import AGGREGATIONS

CHOICES = ("no", "certainly", "münchen")
# By characters -1, -0.5 and -0.43; by bytes -1, -0.5 and -0.375.
LOGPROBS = [(-2.0, False), (-4.5, True), (-3.0, True)]


def metrics(
    *names: str,
    target: Any = 0,
    choices: tuple[str, ...] = CHOICES,
    results: Any = None,
    compat: str = "fixed",
) -> Any:
    entries = [{"metric": name, "aggregation": "mean"} for name in names]
    plan = build_plan(None, entries, None, output_type="multiple_choice", compat=compat)
    key = AnswerKey(target=target, choices=choices)
    responses = [[result] for result in results or LOGPROBS]
    (scored,) = score_document(plan, {}, key, responses)
    return scored.metrics


@pytest.mark.parametrize(
    ("target", "acc", "acc_norm"), [(0, 1.0, 0.0), (1, 0.0, 0.0), (2, 0.0, 1.0)]
)
def test_the_likeliest_choice_counts(target: int, acc: float, acc_norm: float) -> None:
    assert metrics("acc", "acc_norm", target=target) == {
        "acc": acc,
        "acc_norm": acc_norm,
    }


def test_acc_and_acc_norm_are_what_is_scored_unless_said() -> None:
    plan = build_plan(None, None, None, output_type="multiple_choice")

    assert [metric.name for metric in plan.metrics] == ["acc", "acc_norm"]


def test_characters_and_bytes_are_two_lengths() -> None:
    # Over characters -3/1 and -4/3; over bytes -3/2 and -4/3; then -2.5/1, -2.5/2.
    results = [(-2.0, False), (-1.5, False)]

    values = metrics(
        "acc_norm", "acc_bytes", target=0, choices=("ab", "ü"), results=results
    )

    assert values == {"acc_norm": 1.0, "acc_bytes": 0.0}


def test_of_equal_choices_the_first_is_taken() -> None:
    results = [(-1.0, False), (-1.0, False)]

    assert metrics("acc", target=0, choices=("a", "b"), results=results) == {"acc": 1.0}
    assert metrics("acc", target=1, choices=("a", "b"), results=results) == {"acc": 0.0}


def test_an_empty_choice_never_wins_by_length() -> None:
    results = [(-0.1, False), (-9.0, False)]

    assert metrics("acc", "acc_norm", target=0, choices=("", "b"), results=results) == {
        "acc": 1.0,
        "acc_norm": 0.0,
    }


def test_the_text_of_a_choice_is_its_position() -> None:
    assert metrics("acc", target="no") == {"acc": 1.0}
    assert metrics("acc", target="yes") == {"acc": 0.0}


def test_any_of_several_right_choices_counts() -> None:
    assert metrics("acc", "exact_match", target=[1, 0]) == {
        "acc": 1.0,
        "exact_match": 1,
    }
    assert metrics("acc", "exact_match", target=[7]) == {"acc": 0.0, "exact_match": 0}


@pytest.mark.parametrize(
    ("target", "compat", "exact"),
    [
        (0, "fixed", 0),
        (1, "fixed", 1),
        (3, "fixed", 0),
        (-1, "fixed", 0),
        (-1, "strict", 1),
        (-100, "strict", 0),
    ],
)
def test_a_choice_matches_exactly_where_it_would_be_written(
    target: int, compat: str, exact: int
) -> None:
    values = metrics("acc", "exact_match", target=target, compat=compat)

    assert values["exact_match"] == exact
    assert values["acc"] == (1.0 if target == 0 else 0.0)


def test_f1_and_mcc_aggregate_labels() -> None:
    plan = build_plan(
        None,
        [{"metric": "f1"}, {"metric": "mcc"}, {"metric": "likelihood"}],
        None,
        output_type="multiple_choice",
    )
    key = AnswerKey(target=1, choices=("no", "yes"))

    (scored,) = score_document(plan, {}, key, [[(-2.0, True)], [(-3.0, False)]])

    assert scored.metrics == {
        "f1": (1, 0),
        "mcc": (1, 0),
        "likelihood": (1, [-2.0, -3.0]),
    }
    assert scored.filtered == [(-2.0, True), (-3.0, False)]
    names = [metric.aggregation_name for metric in plan.metrics]
    assert names == ["f1", "matthews_corrcoef", "mean"]


def test_a_brier_score_worked_by_hand() -> None:
    # Probabilities 3/4 and 1/4; the second is right: 9/16 + 9/16.
    results = [(math.log(0.6), False), (math.log(0.2), False)]

    (gold, shares) = metrics(
        "brier_score", target=1, choices=("a", "b"), results=results
    )["brier_score"]

    assert (gold, shares) == (1, pytest.approx([0.75, 0.25]))
    score = AGGREGATIONS["brier_score"]([(gold, shares), (0, [1.0, 0.0])])
    assert score == pytest.approx((9 / 8 + 0) / 2)


def test_mutual_information_takes_the_unconditional_away() -> None:
    # -2 - -1 = -1, -4.5 - -6 = 1.5, -3 - -3 = 0: the second gains most.
    alone = [(-1.0, False), (-6.0, False), (-3.0, False)]

    values = metrics("acc", "acc_mutual_info", target=1, results=[*LOGPROBS, *alone])

    assert values == {"acc": 0.0, "acc_mutual_info": 1.0}


def test_mutual_information_knows_several_right_choices() -> None:
    alone = [(-1.0, False), (-6.0, False), (-3.0, False)]

    values = metrics("acc_mutual_info", target=[0, 1], results=[*LOGPROBS, *alone])

    assert values == {"acc_mutual_info": 1.0}


def test_a_plan_says_whether_it_wants_the_unconditional() -> None:
    def plan(*names: str, output_type: str = "multiple_choice") -> Any:
        entries = [{"metric": name} for name in names]
        return build_plan(None, entries, None, output_type=output_type)

    assert plan("acc", "acc_mutual_info").needs_unconditional
    assert not plan("acc").needs_unconditional
    assert not plan("exact_match", output_type="generate_until").needs_unconditional


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([(-1.0, False)], "3 choices have 1 likelihoods, not 3"),
        ([-1.0, -2.0, -3.0], "pair of a number .* take_first"),
        ([(math.nan, False)] * 3, "a log-likelihood is a number, not nan"),
        ([(-math.inf, False)] * 3, "every choice impossible"),
    ],
)
def test_what_is_no_likelihood_is_an_error(results: Any, message: str) -> None:
    with pytest.raises(ScoringError, match=message):
        metrics("acc", results=results)


def test_impossible_with_and_without_question_is_an_error() -> None:
    never = (-math.inf, False)

    with pytest.raises(ScoringError, match="impossible without its question"):
        metrics("acc_mutual_info", results=[*LOGPROBS[:2], never, *LOGPROBS[:2], never])


def test_no_target_is_an_error() -> None:
    with pytest.raises(ScoringError, match="no target among its choices"):
        metrics("acc", target=None)


def test_the_scorer_of_the_task_gets_a_pair_for_each_choice() -> None:
    seen: list[Any] = []

    def process(_doc: Any, results: Any) -> dict[str, float]:
        seen.extend(results)
        return {"acc": 1.0}

    plan = build_plan(None, [{"metric": "acc"}], process, output_type="multiple_choice")

    score_document(
        plan, {}, AnswerKey(choices=CHOICES), [[result] for result in LOGPROBS]
    )

    assert seen == LOGPROBS
