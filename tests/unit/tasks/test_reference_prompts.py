"""Prompts that lm-evaluation-harness itself rendered, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.messages import message_dicts, text_of
from pytest_evalkit.tasks import OpenedTask, TaskSettings
from pytest_evalkit.values import Generate, Loglikelihood, Request

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_REFERENCE = json.loads(
    Path(__file__).with_name("reference").joinpath("prompts.json").read_bytes()
)
_CASES = {case["name"]: case for case in _REFERENCE["cases"]}
# Where a document's own answer would be shown, the default prompt differs on purpose.
_LEAKS = "no split for shots"


def _opened(folder: TaskFolder, case: dict[str, Any], compat: str) -> OpenedTask:
    for name, rows in _REFERENCE["rows"].items():
        folder.rows(f"{name}.jsonl", rows)
    files = {name: f"{name}.jsonl" for name in _REFERENCE["rows"]}
    form = case["form"]
    settings = TaskSettings(
        compat=compat,
        system_instruction=None if form == "plain" else "SYS",
        fewshot_as_multiturn=form == "turns",
    )
    keys = {"test_split": None, **case["keys"]}
    return folder.open(settings, dataset_kwargs={"data_files": files}, **keys)


def _asked(request: Request, form: str) -> Any:
    if isinstance(request, Generate):
        if form == "turns":
            return message_dicts(request.messages)
        return text_of(request.messages)
    if isinstance(request, Loglikelihood):
        return [request.context, request.continuation]
    return [request.text]


@pytest.mark.parametrize("name", _CASES)
def test_a_prompt_is_that_of_the_reference(folder: TaskFolder, name: str) -> None:
    case = _CASES[name]

    opened = _opened(folder, case, "strict")

    for index, expected in enumerate(case["prompts"]):
        requests = opened.prepare(index).requests
        assert [_asked(request, case["form"]) for request in requests] == expected


@pytest.mark.parametrize("name", [name for name in _CASES if name != _LEAKS])
def test_without_a_leak_the_default_prompt_is_the_same(
    folder: TaskFolder, name: str
) -> None:
    case = _CASES[name]

    opened = _opened(folder, case, "fixed")

    for index, expected in enumerate(case["prompts"]):
        requests = opened.prepare(index).requests
        assert [_asked(request, case["form"]) for request in requests] == expected


def test_a_shown_answer_of_the_document_itself_is_replaced(folder: TaskFolder) -> None:
    case = _CASES[_LEAKS]
    published = case["prompts"][0][0]

    fixed = _opened(folder, case, "fixed").prepare(0).requests[0]

    assert published.count("Q: E0 is?") == 2
    said = _asked(fixed, "plain")
    assert said.count("Q: E0 is?") == 1
    assert said.split("\n\n")[:2] == published.split("\n\n")[:2]


def test_a_subset_in_any_order_is_prompted_as_the_whole(folder: TaskFolder) -> None:
    case = _CASES["equal documents of one split"]

    opened = _opened(folder, case, "strict")

    for index in (2, 0, 1, 2):
        (request,) = opened.prepare(index).requests
        assert [_asked(request, "plain")] == case["prompts"][index]
