from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import DatasetError, TaskError
from pytest_evalkit.messages import (
    AudioPart,
    ImagePart,
    Message,
    TextPart,
    VideoPart,
)
from pytest_evalkit.tasks import DataSources, OpenedTask, TaskSettings
from pytest_evalkit.tasks.conversations import Conversations
from pytest_evalkit.values import Generate

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_PNG = b"\x89PNG\r\n\x1a\n and the rest"
_WAV = b"RIFF\x04\x00\x00\x00WAVEfmt "
_MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 16
_SAYS = """\
def says(doc, lmms_eval_specific_kwargs=None):
    pre = (lmms_eval_specific_kwargs or {}).get("pre", "")
    return [
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "content": [
            {"type": "image", "url": "a.png"},
            {"type": "text", "text": pre + doc["question"]},
        ]},
    ]

def wrong(doc):
    return [{"role": "usr", "content": "x"}]
"""


@pytest.fixture
def media(folder: TaskFolder) -> Path:
    for name, content in (("a.png", _PNG), ("a.wav", _WAV), ("a.mp4", _MP4)):
        (folder.root / name).write_bytes(content)
    return folder.root


def _messages(opened: OpenedTask) -> tuple[Message, ...]:
    (request,) = opened.prepare(0).requests
    assert isinstance(request, Generate)
    return request.messages


def _open(
    folder: TaskFolder, more: str, settings: TaskSettings | None = None, **keys: Any
) -> OpenedTask:
    folder.write("utils.py", _SAYS)
    text = folder.task_file(doc_to_text=None, **keys).read_text()
    return folder.load_text(text + more, settings).open(DataSources())


def test_a_task_may_write_its_messages_itself(folder: TaskFolder, media: Path) -> None:
    opened = _open(folder, "doc_to_messages: !function utils.says\n")

    system, user = _messages(opened)

    assert system == Message.of_text("system", "Be brief.")
    image, text = user.parts
    assert isinstance(image, ImagePart)
    assert image.source.content == (media / "a.png").read_bytes()
    assert text == TextPart("1+1")
    assert opened.has_media


@pytest.mark.usefixtures("media")
def test_messages_are_written_with_the_arguments_of_the_model(
    folder: TaskFolder,
) -> None:
    more = (
        "doc_to_messages: !function utils.says\n"
        "lmms_eval_specific_kwargs: {default: {pre: 'Sum: '}}\n"
    )

    assert _messages(_open(folder, more))[1].text == "Sum: 1+1"


@pytest.mark.usefixtures("media")
def test_an_instruction_joins_the_system_message_of_the_task(
    folder: TaskFolder,
) -> None:
    more = "doc_to_messages: !function utils.says\n"
    settings = TaskSettings(system_instruction="SYS")

    assert _messages(_open(folder, more, settings))[0].text == "SYS\n\nBe brief."


@pytest.mark.usefixtures("media")
def test_a_description_goes_before_what_the_task_says(folder: TaskFolder) -> None:
    more = "doc_to_messages: !function utils.says\ndescription: 'Add up. '\n"

    plain = _messages(_open(folder, more))
    instructed = _messages(_open(folder, more, TaskSettings(system_instruction="SYS")))

    assert plain[0].text == "Be brief."
    assert plain[1].parts[0] == TextPart("Add up. ")
    assert [message.text for message in instructed] == [
        "SYS\n\nAdd up. Be brief.",
        "1+1",
    ]


def test_a_wrong_message_is_told_with_its_line(folder: TaskFolder) -> None:
    opened = _open(folder, "doc_to_messages: !function utils.wrong\n")

    with pytest.raises(TaskError, match="unknown role 'usr'") as caught:
        opened.prepare(0)

    assert caught.value.line is not None
    assert "did you mean 'user'" in caught.value.message


def test_shots_do_not_go_with_messages_of_the_task(folder: TaskFolder) -> None:
    with pytest.raises(TaskError, match="cannot be shown with doc_to_messages"):
        _open(folder, "doc_to_messages: !function utils.says\n", num_fewshot=1)


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"type": "image", "url": "a.png"}, ImagePart),
        ({"type": "image", "image": "a.png"}, ImagePart),
        ({"type": "image_url", "image_url": {"url": "a.png"}}, ImagePart),
        ({"type": "audio", "url": "a.wav"}, AudioPart),
        ({"type": "video", "url": "a.mp4"}, VideoPart),
    ],
)
def test_a_part_is_of_the_kind_that_it_says(
    media: Path, part: dict[str, Any], kind: type
) -> None:
    said = [{"role": "user", "content": [part]}]

    (message,) = Conversations((media,)).messages(said)

    assert isinstance(message.parts[0], kind)


def test_a_part_of_a_video_keeps_its_span(media: Path) -> None:
    conversations = Conversations((media,))

    for value in (
        {"type": "video", "url": "a.mp4", "start_time": 1, "end_time": 2.5},
        {"type": "video", "url": {"url": "a.mp4", "video_start": 1, "video_end": 2.5}},
    ):
        part = conversations.medium(value)
        assert isinstance(part, VideoPart)
        assert (part.start_s, part.end_s) == (1.0, 2.5)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("hello", "must be a list of mappings"),
        ([], "must be a list of mappings"),
        (["hello"], "must have a role and a content"),
        ([{"role": "user"}], "must have a role and a content"),
        ([{"role": "tool", "content": "x"}], "unknown role 'tool'"),
        ([{"role": "user", "content": [{"type": "txt"}]}], "unknown type 'txt'"),
        ([{"role": "user", "content": [{"type": "text"}]}], "unknown type 'text'"),
    ],
)
def test_messages_of_another_form_are_refused(said: Any, problem: str) -> None:
    with pytest.raises(TaskError, match=problem):
        Conversations(()).messages(said)


def test_a_missing_medium_is_told(media: Path) -> None:
    with pytest.raises(DatasetError, match=r"absent\.png"):
        Conversations((media,)).medium("absent.png", "image")


def test_images_stand_at_their_tokens_and_sounds_come_first(
    folder: TaskFolder, media: Path
) -> None:
    row = {"question": "<image> q", "answer": "a", "pics": ["a.png"], "snd": "a.wav"}
    folder.rows("test.jsonl", [row])

    opened = folder.open(
        doc_to_text="{{question}}",
        doc_to_image=["pics"],
        doc_to_audio="snd",
    )
    (message,) = _messages(opened)

    assert [type(part) for part in message.parts] == [AudioPart, ImagePart, TextPart]
    assert message.text == " q"
    image = message.parts[1]
    assert isinstance(image, ImagePart)
    assert image.source.content == (media / "a.png").read_bytes()


@pytest.mark.usefixtures("media")
def test_images_may_be_a_template_of_a_list(folder: TaskFolder) -> None:
    folder.rows("test.jsonl", [{"question": "q", "answer": "a", "pics": ["a.png"]}])

    opened = folder.open(doc_to_image="{{pics + pics}}")

    assert len(_messages(opened)[0].media) == 2


@pytest.mark.usefixtures("media")
def test_likelihoods_of_media_are_refused(folder: TaskFolder) -> None:
    folder.rows("test.jsonl", [{"question": "q", "answer": "a", "pic": "a.png"}])
    keys: dict[str, Any] = {
        "output_type": "multiple_choice",
        "doc_to_choice": ["a", "b"],
        "doc_to_visual": "pic",
        "metric_list": [{"metric": "acc"}],
    }

    with pytest.raises(TaskError, match="use --choice-as-generation"):
        folder.open(**keys)

    by_letter = folder.open(TaskSettings(choice_as_generation=True), **keys)
    assert len(_messages(by_letter)[0].media) == 1


def test_a_scorer_may_see_all_documents(folder: TaskFolder) -> None:
    folder.write(
        "utils.py",
        "def score(doc, results, full_docs=None):\n    return {'n': len(full_docs)}\n",
    )
    text = folder.task_file(metric_list=[{"metric": "n"}], full_docs=True).read_text()

    opened = folder.load_text(f"{text}process_results: !function utils.score\n").open(
        DataSources()
    )

    scorer = opened.task.scoring.process_results
    assert scorer is not None
    assert scorer({}, []) == {"n": 3}
