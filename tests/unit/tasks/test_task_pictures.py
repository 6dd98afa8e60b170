from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pytest_evalkit.messages import TextPart
from pytest_evalkit.tasks import TaskSettings
from pytest_evalkit.values import Generate

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_PNG = b"\x89PNG\r\n\x1a\n and the rest"
_IMAGES = {"a.png": b"a", "b.png": b"b", "c.png": b"c"}


def _pictured(
    folder: TaskFolder, settings: TaskSettings | None = None, **keys: Any
) -> list[tuple[str, list[str]]]:
    """Ask of a picture after two examples with pictures; tell texts and pictures."""
    names = {}
    for name, mark in _IMAGES.items():
        (folder.root / name).write_bytes(_PNG + mark)
        names[hashlib.sha256(_PNG + mark).hexdigest()] = name
    folder.rows("test.jsonl", [{"q": "Q <image>?", "a": "E", "pic": "a.png"}])
    shown = [("F1 <image>?", "B1", "b.png"), ("F2 <image>?", "B2", "c.png")]
    samples = [{"q": text, "a": answer, "pic": pic} for text, answer, pic in shown]
    given = {
        "doc_to_text": "{{q}}",
        "doc_to_target": "{{a}}",
        "description": "Look.",
        "num_fewshot": 2,
        "fewshot_config": {"sampler": "first_n", "samples": samples},
    }
    opened = folder.open(settings, **{**given, **keys})
    (request,) = opened.prepare(0).requests
    assert isinstance(request, Generate)
    return [
        (
            message.role,
            [
                part.text if isinstance(part, TextPart) else names[part.source.sha256]  # type: ignore[union-attr]  # images
                for part in message.parts
            ],
        )
        for message in request.messages
    ]


def test_every_example_is_shown_with_its_own_picture(folder: TaskFolder) -> None:
    (message,) = _pictured(folder, doc_to_visual="pic")

    assert message == (
        "user",
        [
            *("Look.", "b.png", "F1 <image>? B1\n\n"),
            *("c.png", "F2 <image>? B2\n\n"),
            *("a.png", "Q <image>?"),
        ],
    )


def test_pictures_stand_at_their_tokens(folder: TaskFolder) -> None:
    (message,) = _pictured(folder, doc_to_image="pic")

    assert message == (
        "user",
        [
            *("Look.F1 ", "b.png", "? B1\n\nF2 ", "c.png", "? B2\n\nQ "),
            *("a.png", "?"),
        ],
    )


def test_examples_with_pictures_may_be_turns(folder: TaskFolder) -> None:
    settings = TaskSettings(system_instruction="SYS", fewshot_as_multiturn=True)

    said = _pictured(folder, settings, doc_to_visual="pic", interleave_visuals=True)

    assert said == [
        ("system", ["SYS\n\nLook."]),
        ("user", ["F1 ", "b.png", "?"]),
        ("assistant", ["B1"]),
        ("user", ["F2 ", "c.png", "?"]),
        ("assistant", ["B2"]),
        ("user", ["Q ", "a.png", "?"]),
    ]


def test_visuals_come_first_where_a_task_says_so(folder: TaskFolder) -> None:
    (message,) = _pictured(
        folder, doc_to_image="pic", num_fewshot=0, interleave_visuals=False
    )

    assert message == ("user", ["a.png", "Look.Q <image>?"])
