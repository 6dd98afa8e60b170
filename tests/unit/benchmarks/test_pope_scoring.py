from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pytest_evalkit.scoring import AnswerKey, score_document
from tests.unit.benchmarks.scored_answers import judge, open_sample, prompt_of

TASK = "pope/pope.yaml"
POPE = Path(__file__).parents[4] / "shared" / "data" / "pope"

Row = Mapping[str, str]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("yes", "yes"),
        ("Yes.", "yes"),
        ("Yes, there is a ball.", "yes"),
        ("The answer is yes", "yes"),
        ("<answer>Yes</answer>", "yes"),
        ("no", "no"),
        ("No, there is not.", "no"),
        ("NO!", "no"),
        ("There is not", None),
        ("Not sure", None),
        ("nothing", None),
        ("yes or no", None),
        ("eyes", None),
        ("", None),
    ],
)
def test_an_answer_is_yes_or_no_or_neither(answer: str, found: str | None) -> None:
    opened = open_sample(TASK)
    yes, no = (judge(TASK, item, answer).metrics for item in opened.item_ids[:2])

    assert yes["exact_match"] == float(found == "yes")
    assert no["exact_match"] == float(found == "no")
    assert yes["yes_f1"] == ["yes", found]
    assert no["yes_f1"] == ["no", found]


def test_the_question_ends_with_the_instruction() -> None:
    first = open_sample(TASK).item_ids[0]

    assert prompt_of(TASK, first) == (
        "Is there a ball in the image?\n"
        "Answer the question using a single word or phrase."
    )


def figures(
    task: str, rows: list[Row], answer: Callable[[Row], str]
) -> dict[str, float]:
    """Score answers to the published questions; their images play no part in it."""
    plan = open_sample(task).task.scoring
    scored = [
        score_document(plan, row, AnswerKey(target=row["label"]), [[answer(row)]])[0]
        for row in rows
    ]
    return {
        metric.name: metric.aggregation([one.metrics[metric.name] for one in scored])
        for metric in plan.metrics
    }


def published(setting: str) -> list[Row]:
    path = POPE / f"coco_pope_{setting}.jsonl"
    if not path.exists():
        pytest.skip(f"no published questions at {path}")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize(
    ("task", "setting"),
    [("adv", "adversarial"), ("pop", "popular"), ("random", "random")],
)
def test_constants_get_what_the_published_labels_say(task: str, setting: str) -> None:
    rows = published(setting)

    yes = figures(f"pope/pope_{task}.yaml", rows, lambda _: "Yes.")
    no = figures(f"pope/pope_{task}.yaml", rows, lambda _: "No, there is none.")

    assert len(rows) == 3000
    assert yes == {
        "exact_match": 0.5,
        "yes_precision": 0.5,
        "yes_recall": 1.0,
        "yes_f1": pytest.approx(2 / 3),
        "yes_ratio": 1.0,
    }
    assert no == {
        "exact_match": 0.5,
        "yes_precision": 0.0,
        "yes_recall": 0.0,
        "yes_f1": 0.0,
        "yes_ratio": 0.0,
    }


def test_mixed_answers_get_what_their_counts_say() -> None:
    rows = published("adversarial")

    def answer(row: Row) -> str:
        """Be wrong about every fifth "no", silent about every tenth "yes"."""
        number = int(row["question_id"]) // 2
        if row["label"] == "no":
            return "Yes, there is." if number % 5 == 0 else "no"
        return "I cannot tell." if number % 10 == 0 else "Yes"

    figure = figures("pope/pope_adv.yaml", rows, answer)

    said = [(row["label"], answer(row)[:3].lower()) for row in rows]
    both = said.count(("yes", "yes"))
    wrong = said.count(("no", "yes"))
    assert both + wrong > 1000
    assert wrong > 100
    assert figure == {
        "exact_match": pytest.approx((both + said.count(("no", "no"))) / 3000),
        "yes_precision": pytest.approx(both / (both + wrong)),
        "yes_recall": pytest.approx(both / 1500),
        "yes_f1": pytest.approx(2 * both / (both + wrong + 1500)),
        "yes_ratio": pytest.approx((both + wrong) / 3000),
    }
