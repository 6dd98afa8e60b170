from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import TaskError
from pytest_evalkit.tasks import OpenedTask, TaskSettings
from pytest_evalkit.tasks.choices import (
    NO_ANSWER,
    gold_letters,
    has_options,
    lettered,
    letters_of,
    read_letter,
)
from pytest_evalkit.values import Generate

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_SHAPES = ["ball", "box", "cone"]
_BY_LETTER = TaskSettings(choice_as_generation=True)
_ROWS = [
    {"q": "Round?", "opts": _SHAPES, "label": 0, "s": "_ is round.", "end": "Yes."},
    {"q": "Square?", "opts": _SHAPES, "label": 1, "s": "_ is square.", "end": "Yes."},
]


def _opened(folder: TaskFolder, **keys: Any) -> OpenedTask:
    folder.rows("test.jsonl", _ROWS)
    given = {
        "output_type": "multiple_choice",
        "doc_to_text": "{{q}}",
        "doc_to_target": "label",
        "doc_to_choice": "opts",
        "metric_list": [{"metric": "acc"}],
        **keys,
    }
    return folder.open(_BY_LETTER, **given)


def _asked(opened: OpenedTask, index: int = 0) -> Generate:
    (request,) = opened.prepare(index).requests
    assert isinstance(request, Generate)
    return request


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"),
        (" (b) ".upper(), "B"),
        ("**B**", "B"),
        ("B. box", "B"),
        ("B) because it has corners", "B"),
        ("A cube has corners, so the answer is B.", "B"),
        ("The answer is A? No: the answer is (C).", "C"),
        ("Answer: C", "C"),
        (r"So \boxed{C}", "C"),
        (r"\boxed{\text{C}}", "C"),
        ("box", "B"),
        ("It is the Box.", "B"),
        ("I choose option C here", "C"),
        ("A ball or a box?", NO_ANSWER),
        ("B or C", NO_ANSWER),
        ("The answer is a box", "B"),
        ("I do not know", NO_ANSWER),
        ("", NO_ANSWER),
        ("D", NO_ANSWER),
    ],
)
def test_the_letter_that_an_answer_means_is_found(answer: str, letter: str) -> None:
    assert read_letter(answer, _SHAPES) == letter


def test_choices_that_are_letters_are_no_words_of_an_answer() -> None:
    letters = ["A", "B", "C", "D"]

    assert read_letter("It is a dog, a cat or a bird: C", letters) == "C"
    assert read_letter("a dog", letters) == NO_ANSWER


@pytest.mark.parametrize(
    ("question", "choices", "has"),
    [
        ("Which?\nA. ball\nB. box\nC. cone", _SHAPES, True),
        ("Which? (A) ball (B) box (C) cone", _SHAPES, True),
        ("Which?\nA. one\nB. two\nAnswer:", ["A", "B"], True),
        ("A ball, a box or a cone?", _SHAPES, False),
        ("Which?\nA. box\nB. ball\nC. cone", _SHAPES, False),
        ("Which?", ["A", "B"], False),
    ],
)
def test_options_are_listed_where_each_has_its_letter(
    question: str, choices: list[str], has: bool
) -> None:
    assert has_options(question, choices) is has


def test_options_are_written_below_a_question_without() -> None:
    assert lettered("Which?\n", [" ball", "box"]) == "Which?\n\nA. ball\nB. box"
    assert lettered("", ["x"]) == "A. x"
    assert lettered("Q\nA. x\nB. y", ["x", "y"]) == "Q\nA. x\nB. y"


def test_more_than_26_options_have_names_of_two_letters() -> None:
    assert letters_of(28)[-2:] == ("AA", "AB")
    assert read_letter("AB", [str(n) for n in range(28)]) == "AB"


@pytest.mark.parametrize(
    ("gold", "letters"),
    [(1, ["B"]), (True, ["B"]), ("cone", ["C"]), ([0, 2], ["A", "C"])],
)
def test_the_right_options_are_named(gold: Any, letters: list[str]) -> None:
    assert gold_letters(gold, _SHAPES) == letters


@pytest.mark.parametrize("gold", [3, -1, "cube", None])
def test_a_right_answer_that_is_no_option_is_an_error(gold: Any) -> None:
    with pytest.raises(ValueError, match="is none of the 3 choices"):
        gold_letters(gold, _SHAPES)


def test_a_choice_is_asked_for_by_its_letter(folder: TaskFolder) -> None:
    opened = _opened(folder)

    prepared = opened.prepare(1)

    assert _asked(opened, 1).messages[0].text == (
        "Square?\n\nA. ball\nB. box\nC. cone\n\n"
        "Answer with the letter of the correct option only."
    )
    assert (prepared.target, prepared.key.target) == ("B", "B")
    assert prepared.read is not None
    assert prepared.read("It is (B).") == "B"
    assert _asked(opened, 1).parameters.stop == ()


def test_its_score_has_a_name_of_its_own(folder: TaskFolder) -> None:
    task = _opened(folder).task

    assert [metric.name for metric in task.scoring.metrics] == ["choice_acc"]
    assert not task.needs_likelihoods
    assert task.config["choice_as_generation"] is True


def test_examples_are_shown_by_their_letters_too(folder: TaskFolder) -> None:
    opened = _opened(folder, num_fewshot=1)

    assert (
        _asked(opened, 0)
        .messages[0]
        .text.startswith("Square?\n\nA. ball\nB. box\nC. cone B\n\nRound?\n\nA. ball")
    )


def test_inputs_to_compare_are_options_with_their_continuation(
    folder: TaskFolder,
) -> None:
    opened = _opened(folder, doc_to_text="label", doc_to_target="end")

    prepared = opened.prepare(1)

    assert (
        _asked(opened, 1)
        .messages[0]
        .text.startswith(
            "Which of these is right?\n\nA. ball Yes.\nB. box Yes.\nC. cone Yes."
        )
    )
    assert prepared.key.target == "B"


def test_several_right_choices_are_several_letters(folder: TaskFolder) -> None:
    prepared = _opened(folder, doc_to_target="{{[label, 2]}}").prepare(0)

    assert prepared.key.target == ["A", "C"]


def test_a_document_whose_answer_is_no_choice_is_an_error(folder: TaskFolder) -> None:
    opened = _opened(folder, doc_to_target=-1)

    with pytest.raises(TaskError, match="-1 is none of the 3 choices"):
        opened.prepare(0)


@pytest.mark.parametrize("output_type", ["loglikelihood", "loglikelihood_rolling"])
def test_without_choices_there_is_no_letter_to_ask_for(
    folder: TaskFolder, output_type: str
) -> None:
    with pytest.raises(TaskError, match="has no choices to ask for"):
        folder.load(_BY_LETTER, output_type=output_type, metric_list=None)


def test_a_generated_answer_is_not_touched(folder: TaskFolder) -> None:
    prepared = folder.open(_BY_LETTER).prepare(0)

    assert prepared.read is None
    assert prepared.key.target == "2"


def _likely(folder: TaskFolder, **keys: Any) -> OpenedTask:
    folder.rows("test.jsonl", [{"q": "?", "shape": "cube"}])
    given = {
        "output_type": "multiple_choice",
        "doc_to_text": "{{q}}",
        "doc_to_choice": _SHAPES,
        "metric_list": [{"metric": "acc"}],
        **keys,
    }
    return folder.open(**given)


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("shape", "doc_to_target ('shape') gives 'cube' for document 0"),
        (3, "gives 3 for document 0"),
        (-1, "gives -1 for document 0"),
        ("{{[5, 'cube']}}", "gives [5, 'cube'] for document 0"),
    ],
)
def test_a_target_that_is_no_choice_is_an_error_that_lists_them(
    folder: TaskFolder, target: Any, shown: str
) -> None:
    opened = _likely(folder, doc_to_target=target)

    with pytest.raises(TaskError) as failure:
        opened.prepare(0)

    assert shown in str(failure.value)
    assert "none of its 3 choices" in str(failure.value)
    assert "'ball', 'box', 'cone'" in str(failure.value)


def test_one_right_choice_of_several_targets_is_enough(folder: TaskFolder) -> None:
    opened = _likely(folder, doc_to_target="{{[5, 'cone']}}")

    assert opened.prepare(0).key.target == [5, "cone"]


def test_the_published_systems_score_a_target_that_is_no_choice(
    folder: TaskFolder,
) -> None:
    folder.rows("test.jsonl", [{"q": "?"}])
    keys = {"doc_to_text": "{{q}}", "doc_to_choice": _SHAPES, "doc_to_target": 3}
    settings = TaskSettings(compat="strict")

    opened = folder.open(
        settings,
        output_type="multiple_choice",
        metric_list=[{"metric": "acc"}],
        **keys,
    )

    assert opened.prepare(0).key.target == 3
