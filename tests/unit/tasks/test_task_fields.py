from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import TaskError
from pytest_evalkit.tasks import DataSources
from pytest_evalkit.tasks.fields import FieldBinder
from pytest_evalkit.tasks.source import Place, read_source
from pytest_evalkit.tasks.templates import compile_template

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_DOC: dict[str, Any] = {
    "question": "Why?",
    "Answer Key": "B",
    "label": 1,
    "digits": "1",
    "options": ["x", "y"],
    "pair": (1, 2),
    "self": "me",
}
_PLACE = Place(Path("a.yaml"), 4)


def _rendered(text: str, doc: dict[str, Any] | None = None) -> str:
    doc = _DOC if doc is None else doc
    return compile_template(text, list(doc), _PLACE)(doc)


@pytest.fixture
def binder(folder: TaskFolder) -> FieldBinder:
    source = read_source(
        folder.write("a.yaml", "doc_to_text: a\ndoc_to_target: b\ndoc_to_choice: c\n")
    )
    return FieldBinder(source=source, columns=list(_DOC), kwargs=None)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Q: {{question}}\n", "Q: Why?\n"),
        ("{{question.strip('?')}}", "Why"),
        ("{{options.index('y')}}", "1"),
        ("{{options | join(', ')}}", "x, y"),
        ("{% for o in options %}{{loop.index}}{{o}} {% endfor %}", "1x 2y "),
        ("{{question | regex_replace('W', 'T')}}", "Thy?"),
        ("{{range(3) | list | length}}", "3"),
        ("{{hint if hint is defined else 'none'}}", "none"),
        ("{{hint | default('none')}}", "none"),
        ("{{question if question is defined else target}}", "Why?"),
        ("<b>{{'<'}}", "<b><"),
        ("no marks", "no marks"),
        ("{{question}}{{label}}/{{options}}", "Why?1/['x', 'y']"),
        ("100 % of {{pair}}, %s, {}", "100 % of (1, 2), %s, {}"),
        ("{# nothing to see #}100 %", "100 %"),
    ],
)
def test_a_template_renders_as_in_the_reference(template: str, expected: str) -> None:
    assert _rendered(template) == expected


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{questoin}}", "no column 'questoin'; did you mean 'question'?"),
        ("{{question", "the template is wrong"),
        ("{{hint if label is defined else ''}}", "the template failed: 'hint' is"),
        ("{{options.index('z')}}", "the template failed"),
        ("{{''.__class__.__mro__}}", "the template failed"),
    ],
)
def test_a_wrong_template_is_one_line_with_its_place(
    template: str, message: str
) -> None:
    with pytest.raises(TaskError) as caught:
        _rendered(template)

    assert message in caught.value.message
    assert (caught.value.path, caught.value.line) == _PLACE


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("question", "Why?"),
        ("Answer Key", "B"),
        ("", ""),
        ("Say: ", "Say: "),
        (lambda doc: doc["question"] + "!", "Why?!"),
    ],
)
def test_a_text_is_a_column_a_literal_or_a_function(
    binder: FieldBinder, value: Any, expected: str
) -> None:
    assert binder.text(value, "doc_to_text")(_DOC) == expected


def test_a_bare_word_that_is_no_column_is_an_error(binder: FieldBinder) -> None:
    with pytest.raises(
        TaskError, match=r"'questoin'; did you mean 'question'"
    ) as caught:
        binder.text("questoin", "doc_to_text")

    assert caught.value.line == 1


def test_a_question_that_is_no_text_is_an_error(binder: FieldBinder) -> None:
    text = binder.text("label", "doc_to_text")

    with pytest.raises(TaskError, match="doc_to_text is int for a document"):
        text(_DOC)


@pytest.mark.parametrize(
    ("value", "has_choices", "expected"),
    [
        ("{{digits}}", True, 1),
        ("{{digits}}", False, "1"),
        ("digits", True, "1"),
        ("{{ -1 }}", True, "-1"),
        ("label", False, 1),
        (0, True, 0),
        (["a", "b"], False, ["a", "b"]),
        ("{{options}}", False, ["x", "y"]),
        ("[not a list]", False, "[not a list]"),
        ("options", False, ["x", "y"]),
        (lambda doc: doc["digits"], True, "1"),
    ],
)
def test_a_target_is_read_as_in_the_reference(
    binder: FieldBinder, value: Any, has_choices: bool, expected: Any
) -> None:
    target = binder.target(value, "doc_to_target", has_choices=has_choices)

    assert target(_DOC) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["no", "yes"], ("no", "yes")),
        ({"a": "no", "b": "yes"}, ("no", "yes")),
        ("options", ("x", "y")),
        ("{{options[:1]}}", ("x",)),
        (lambda doc: doc["options"], ("x", "y")),
        ([1, 2], ("1", "2")),
    ],
)
def test_choices_are_a_list_however_given(
    binder: FieldBinder, value: Any, expected: tuple[str, ...]
) -> None:
    assert binder.choices(value, "doc_to_choice")(_DOC) == expected


def test_choices_that_are_no_list_are_an_error(binder: FieldBinder) -> None:
    choices = binder.choices("{{question}}", "doc_to_choice")

    with pytest.raises(TaskError, match="doc_to_choice is no list for a document"):
        choices(_DOC)


def test_images_come_from_columns_that_have_one(binder: FieldBinder) -> None:
    doc = {**_DOC, "question": None, "digits": [b"2", None]}

    assert binder.media(["question", "digits"], "doc_to_visual")(doc) == [b"2"]
    assert binder.media(lambda _: b"1", "doc_to_visual")(doc) == [b"1"]


def test_a_misspelt_image_column_names_the_nearest(binder: FieldBinder) -> None:
    with pytest.raises(TaskError, match="did you mean 'options'"):
        binder.media("option", "doc_to_visual")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("question", "Why?"),
        ("{{digits}}", 1),
        ("{{question}}", "Why?"),
        ("{{'007'}}", "007"),
        ("digits", "1"),
        ("label", 1),
        (2, 2),
        (lambda _: True, 1),
    ],
)
def test_a_question_may_be_the_position_of_an_input(
    binder: FieldBinder, value: Any, expected: Any
) -> None:
    assert binder.question(value, "doc_to_text", has_choices=True)(_DOC) == expected


def test_without_choices_a_question_of_digits_is_text(binder: FieldBinder) -> None:
    assert binder.question("{{digits}}", "doc_to_text", has_choices=False)(_DOC) == "1"
    with pytest.raises(TaskError, match="doc_to_text is int for a document"):
        binder.question("label", "doc_to_text", has_choices=False)(_DOC)


def test_strictly_a_word_that_is_no_column_is_its_own_text(
    binder: FieldBinder,
) -> None:
    strict = replace(binder, is_strict=True)

    assert strict.text("questoin", "doc_to_text")(_DOC) == "questoin"


def test_a_template_may_use_the_columns_of_examples(binder: FieldBinder) -> None:
    shots = replace(binder, names=["hint"])

    assert shots.text("{{hint}}!", "doc_to_text")({"hint": "h"}) == "h!"
    assert shots.text("hint", "doc_to_text")({"hint": "h"}) == "h"


def test_a_column_that_an_example_lacks_is_told(binder: FieldBinder) -> None:
    text = binder.text("{{question}}", "doc_to_text")

    with pytest.raises(TaskError, match="no column 'question'"):
        text({"q": "Why?"})


@pytest.mark.parametrize(
    ("target", "keys", "expected"),
    [
        ("absent", {"process_results": True}, "absent"),
        ("yes", {"doc_to_choice": ["no", "yes"]}, "yes"),
        ("yes", {"doc_to_choice": {"a": "yes"}}, "yes"),
    ],
)
def test_a_word_that_can_only_be_text_is_text(
    folder: TaskFolder, target: str, keys: dict[str, Any], expected: str
) -> None:
    folder.write("utils.py", "def score(doc, results):\n    return {'acc': 1}\n")
    more = ""
    if keys.pop("process_results", None):
        more = "process_results: !function utils.score\n"
    text = folder.task_file(doc_to_target=target, **keys).read_text()

    opened = folder.load_text(text + more).open(DataSources())

    assert opened.prepare(0).target == expected
