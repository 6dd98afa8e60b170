from __future__ import annotations

import pytest

from tests.unit.benchmarks.scored_answers import judge, open_sample, prompt_of

TASKS = ["countbenchqa/countbenchqa.yaml", "pixmo_count/pixmo_count.yaml"]


# Five discs are shown.
@pytest.mark.parametrize(
    ("answer", "score", "status"),
    [
        ("5", 1.0, "found"),
        ("5.", 1.0, "found"),
        ("**5**", 1.0, "found"),
        ("five", 1.0, "found"),
        ("There are 5 discs.", 1.0, "found"),
        ("There are five discs in the image.", 1.0, "found"),
        ("5 discs, yes 5.", 1.0, "found"),
        ("5.0", 1.0, "found"),
        ("<answer>5</answer>", 1.0, "found"),
        ("4", 0.0, "found"),
        ("50", 0.0, "found"),
        ("-5", 0.0, "found"),
        ("15", 0.0, "found"),
        ("4 or 5", 0.0, "ambiguous"),
        ("5 or 4", 0.0, "ambiguous"),
        ("a few", 0.0, "none"),
        ("H5N1", 0.0, "none"),
        ("", 0.0, "none"),
    ],
)
@pytest.mark.parametrize("task", TASKS)
def test_a_count_is_the_one_number_of_an_answer(
    task: str, answer: str, score: float, status: str
) -> None:
    judged = judge(task, "2", answer)

    assert judged.metrics == {"number_match": score}
    assert judged.statuses == (status,)


def test_the_caption_that_tells_the_number_is_not_shown() -> None:
    documents = open_sample(TASKS[0]).documents

    prompts = [prompt_of(TASKS[0], str(row)) for row in range(len(documents))]

    assert prompts == [
        "How many discs are there in the image?\nAnswer with a single number."
    ] * len(documents)
    assert all(
        str(documents[row]["number"]) in documents[row]["text"]
        for row in range(len(documents))
    )


def test_the_token_of_the_image_is_taken_out_of_the_question() -> None:
    assert prompt_of(TASKS[1], "2") == (
        "How many green discs are there?\nAnswer with a single number."
    )


@pytest.mark.parametrize("name", ["countbenchqa", "pixmo_count"])
def test_an_analysis_may_count_on_its_way(name: str) -> None:
    answer = "<analysis>2 and 3 more.</analysis>\n<answer>5</answer>"

    judged = judge(f"{name}/{name}_reasoning.yaml", "2", answer)

    assert judged.metrics == {"acc_score": 1.0, "format_score": 1.0}
