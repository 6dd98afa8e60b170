from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import DatasetError, TaskError
from pytest_evalkit.messages import ImagePart, TextPart, message_dicts
from pytest_evalkit.tasks import DataSources, OpenedTask, TaskSettings
from pytest_evalkit.values import Generate

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_PNG = b"\x89PNG\r\n\x1a\n and the rest"


def _asked(opened: OpenedTask, index: int = 0) -> Generate:
    (request,) = opened.prepare(index).requests
    assert isinstance(request, Generate)
    return request


def _said(opened: OpenedTask, index: int = 0) -> list[tuple[str, Any]]:
    messages = _asked(opened, index).messages
    return [(said["role"], said["content"]) for said in message_dicts(messages)]


def _shown(
    folder: TaskFolder,
    samples: list[tuple[str, str]],
    settings: TaskSettings | None = None,
    **keys: Any,
) -> OpenedTask:
    """Open a task that asks Q1 for an answer after fixed examples."""
    folder.rows("test.jsonl", [{"q": "Q1 The answer is", "a": "E", "name": "Q1"}])
    given = {
        "doc_to_text": "{{q}}",
        "doc_to_target": "{{a}}",
        "num_fewshot": len(samples),
        "fewshot_config": {
            "sampler": "first_n",
            "samples": [{"q": text, "a": answer} for text, answer in samples],
        },
    }
    return folder.open(settings, **{**given, **keys})


_TWO = [("F1 The answer is", "B1"), ("F2 The answer is", "B2")]


def test_the_plain_prompt_is_that_of_the_reference(folder: TaskFolder) -> None:
    opened = _shown(folder, _TWO, description="Desc for {{name}}.")

    assert _said(opened) == [
        (
            "user",
            (
                "Desc for Q1.F1 The answer is B1\n\nF2 The answer is B2\n\n"
                "Q1 The answer is"
            ),
        )
    ]


def test_an_instruction_is_a_message_with_the_description(folder: TaskFolder) -> None:
    settings = TaskSettings(system_instruction="SYS")

    opened = _shown(folder, _TWO[:1], settings, description="D. ")

    assert _said(opened) == [
        ("system", "SYS\n\nD. "),
        ("user", "F1 The answer is B1\n\nQ1 The answer is"),
    ]


def test_shots_as_turns_have_no_delimiters(folder: TaskFolder) -> None:
    settings = TaskSettings(system_instruction="SYS", fewshot_as_multiturn=True)

    opened = _shown(folder, _TWO, settings, description="Desc for {{name}}.")

    assert _said(opened) == [
        ("system", "SYS\n\nDesc for Q1."),
        ("user", "F1 The answer is"),
        ("assistant", "B1"),
        ("user", "F2 The answer is"),
        ("assistant", "B2"),
        ("user", "Q1 The answer is"),
    ]


@pytest.mark.parametrize(
    ("instruction", "description", "system"),
    [
        ("SYS\n", "D.", "SYS\nD."),
        ("SYS", " D.", "SYS D."),
        ("SYS", "", "SYS"),
        (None, "D.", "D."),
    ],
)
def test_white_space_at_the_seam_replaces_the_delimiter(
    folder: TaskFolder, instruction: str | None, description: str, system: str
) -> None:
    settings = TaskSettings(system_instruction=instruction, fewshot_as_multiturn=True)

    opened = _shown(folder, _TWO, settings, description=description)

    assert _said(opened)[0] == ("system", system)


def test_a_shot_without_an_answer_has_no_delimiter(folder: TaskFolder) -> None:
    opened = _shown(folder, [("S1", ""), ("S2", "y")])
    turns = _shown(
        folder, [("S1", ""), ("S2", "y")], TaskSettings(fewshot_as_multiturn=True)
    )

    assert _said(opened) == [("user", "S1S2 y\n\nQ1 The answer is")]
    assert [role for role, _ in _said(turns)] == ["user", "user", "assistant", "user"]


def test_delimiters_are_the_tasks_own(folder: TaskFolder) -> None:
    opened = _shown(
        folder, _TWO[:1], target_delimiter=": ", fewshot_delimiter="\n###\n"
    )

    assert _said(opened) == [("user", "F1 The answer is: B1\n###\nQ1 The answer is")]
    assert opened.task.parameters.stop == ("\n###\n",)


def test_a_shown_answer_is_the_choice_or_the_first_of_several(
    folder: TaskFolder,
) -> None:
    chosen = _shown(folder, [("S", "1")], doc_to_choice=["no", "yes"])
    listed = _shown(folder, [("S", "['a', 'b']")])

    assert _said(chosen) == [("user", "S yes\n\nQ1 The answer is")]
    assert _said(listed) == [("user", "S a\n\nQ1 The answer is")]


def test_an_empty_question_is_fine(folder: TaskFolder) -> None:
    assert _said(folder.open(doc_to_text="")) == [("user", "")]


def test_a_misspelt_column_fails_when_the_task_opens(folder: TaskFolder) -> None:
    with pytest.raises(TaskError) as caught:
        folder.open(doc_to_target="anwser")

    assert str(caught.value) == (
        f"{folder.root / 'sums.yaml'}:11: the documents have no column 'anwser'; "
        "did you mean 'answer'?; for the word itself write {{'anwser'}}"
    )


def test_a_prepared_document_carries_what_scoring_needs(folder: TaskFolder) -> None:
    settings = TaskSettings(repeats=2, generation={"max_tokens": 5})

    prepared = folder.open(settings).prepare(1)

    assert prepared.doc == {"question": "2*3", "answer": "6", "kind": "multiply"}
    assert (prepared.target, prepared.choices) == ("6", ())
    (request,) = prepared.requests
    assert isinstance(request, Generate)
    assert request.parameters.max_tokens == 5
    assert request.origin is not None
    assert (request.origin.task, request.origin.doc_id) == ("sums", 1)
    assert (request.origin.doc, request.origin.target) == (prepared.doc, "6")


def test_the_target_of_a_choice_is_its_text(folder: TaskFolder) -> None:
    prepared = folder.open(
        doc_to_choice=["zero", "one", "two"], doc_to_target="{{answer}}"
    ).prepare(0)

    assert (prepared.target, prepared.choices) == ("two", ("zero", "one", "two"))


def test_a_position_beyond_the_choices_is_an_error(folder: TaskFolder) -> None:
    opened = folder.open(doc_to_choice=["zero", "one"])

    with pytest.raises(TaskError, match="there is no choice 2; the choices are 0 to 1"):
        opened.prepare(0)


def test_several_targets_stay_a_list(folder: TaskFolder) -> None:
    assert folder.open(doc_to_target=["a", "b"]).prepare(0).target == ["a", "b"]


def test_a_function_that_fails_on_a_document_is_told(folder: TaskFolder) -> None:
    folder.write("utils.py", "def text(doc):\n    return doc['absent']\n")
    text = folder.task_file(doc_to_text=None).read_text()
    task = folder.load_text(f"{text}doc_to_text: !function utils.text\n")

    with pytest.raises(TaskError, match="doc_to_text failed: KeyError: 'absent'"):
        task.open(DataSources()).prepare(0)


def test_functions_receive_the_variant_of_the_model(folder: TaskFolder) -> None:
    folder.write(
        "utils.py",
        "def text(doc, kwargs):\n    return kwargs['pre'] + doc['question']\n",
    )
    text = folder.task_file(doc_to_text=None).read_text() + (
        "doc_to_text: !function utils.text\n"
        "lmms_eval_specific_kwargs:\n  default: {pre: 'D '}\n  qwen: {pre: 'Q '}\n"
    )

    for settings, expected, name in (
        (TaskSettings(), "D 1+1", "default"),
        (TaskSettings(model_name="qwen"), "Q 1+1", "qwen"),
        (TaskSettings(model_name="x", prompt_variant="qwen"), "Q 1+1", "qwen"),
    ):
        task = folder.load_text(text, settings)
        assert _said(task.open(DataSources())) == [("user", expected)]
        assert task.config["prompt_variant"] == name


def test_images_come_before_the_text(folder: TaskFolder) -> None:
    (folder.root / "images").mkdir()
    (folder.root / "images" / "a.png").write_bytes(_PNG)
    folder.rows("test.jsonl", [{"question": "q", "answer": "a", "pic": "images/a.png"}])

    message = _asked(folder.open(doc_to_visual="pic")).messages[0]

    image, text = message.parts
    assert isinstance(image, ImagePart)
    assert image.source.content == _PNG
    assert text == TextPart("Q: q\nA:")


def test_images_of_a_function_may_be_relative_to_the_data(
    folder: TaskFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.rows("data/test.jsonl", [{"question": "q", "answer": "a", "pic": "a.png"}])
    (folder.root / "data" / "a.png").write_bytes(_PNG)
    folder.write("utils.py", "def see(doc):\n    return [doc['pic']]\n")
    elsewhere = folder.root / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    text = folder.task_file(
        dataset_kwargs={"data_files": {"test": "data/test.jsonl"}}
    ).read_text()

    task = folder.load_text(f"{text}doc_to_visual: !function utils.see\n")
    parts = _asked(task.open(DataSources())).messages[0].parts

    assert isinstance(parts[0], ImagePart)
    assert parts[0].source.content == _PNG


def test_a_missing_image_is_an_error_of_the_document(folder: TaskFolder) -> None:
    folder.rows("test.jsonl", [{"question": "q", "answer": "a", "pic": "absent.png"}])

    with pytest.raises(
        DatasetError, match=r"column .pic.: cannot read image absent\.png"
    ):
        folder.open(doc_to_visual="pic").prepare(0)


@pytest.mark.parametrize(
    ("rows", "metadata", "expected"),
    [
        ([{"id": "a"}, {"id": "b"}], {}, ["a", "b"]),
        ([{"id": None}, {"id": "b"}], {}, ["0", "1"]),
        ([{"id": None, "qid": 4}, {"id": 1, "qid": 5}], {}, ["4", "5"]),
        ([{"id": "a", "n": 7}, {"id": "b", "n": 8}], {"id_column": "n"}, ["7", "8"]),
        ([{"question_id": "p"}, {"question_id": "p"}], {}, ["p-0", "p-1"]),
        ([{"x": 1}, {"x": 2}], {}, ["0", "1"]),
    ],
)
def test_documents_are_named_by_their_id_column(
    folder: TaskFolder,
    rows: list[dict[str, Any]],
    metadata: dict[str, Any],
    expected: list[str],
) -> None:
    folder.rows("test.jsonl", rows)

    opened = folder.open(doc_to_text="Say it.", doc_to_target="It.", metadata=metadata)

    assert list(opened.item_ids) == expected


def test_an_id_column_that_names_nothing_is_an_error(folder: TaskFolder) -> None:
    folder.rows("test.jsonl", [{"question": "q", "answer": "a", "n": 1.5}])

    with pytest.raises(DatasetError, match="'n' names documents, but not every value"):
        folder.open(metadata={"id_column": "n"})


def test_keywords_are_the_values_of_their_columns(folder: TaskFolder) -> None:
    opened = folder.open(metadata={"keywords": ["kind", "answer"]})

    assert opened.keywords(1) == ("multiply", "6")


@pytest.mark.parametrize("key", ["id_column", "keywords"])
def test_a_misspelt_metadata_column_names_the_nearest(
    folder: TaskFolder, key: str
) -> None:
    with pytest.raises(TaskError, match="'kinds'; did you mean 'kind'") as caught:
        folder.open(metadata={"version": 1, key: "kinds"})

    assert caught.value.line is not None


def test_the_fingerprint_is_that_of_the_data(folder: TaskFolder) -> None:
    before = folder.open().fingerprint
    folder.rows("test.jsonl", [{"question": "q", "answer": "a"}])

    assert before != folder.open().fingerprint
    assert len(before) == 64


def test_a_sample_is_read_in_place_of_the_data(folder: TaskFolder) -> None:
    folder.rows("sample/test.jsonl", [{"question": "s", "answer": "t"}])
    task = folder.load(dataset_path="org/name", dataset_kwargs=None)

    assert _said(task.open(DataSources(use_sample=True))) == [("user", "Q: s\nA:")]


def test_real_questions_are_found_in_a_mirror(folder: TaskFolder) -> None:
    mirror = Path(__file__).parents[4] / "shared" / "data"
    if not mirror.is_dir():
        pytest.skip("the real data sets are not here")
    task = folder.load(
        dataset_path="openai/gsm8k", dataset_name="main", dataset_kwargs=None
    )

    opened = task.open(DataSources(data_dir=mirror))

    assert len(opened.documents) == 1319
    assert opened.prepare(1318).target.endswith("#### 14")
