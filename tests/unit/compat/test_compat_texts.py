from __future__ import annotations

from pathlib import Path

import pytest

from pytest_evalkit.compat.texts import (
    GeneralConfigTracker,
    general_detokenize,
    resolve_cache_dir,
    sanitize_model_name,
    strip_reasoning_tags,
)

TAGS = [["<think>", "</think>"], ["<a>", "</a>"]]


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("<think>x</think> 4 ", "4"),
        ("<think>x</think>1<think>y</think>2", "12"),
        ("opened by the prompt</think> 4", "4"),
        ("one</think>two</think>3", "3"),
        ("<think>never closed", "<think>never closed"),
        ("<a>x</a><think>y</think>z", "z"),
        (" plain ", "plain"),
    ],
)
def test_reasoning_is_stripped(text: str, stripped: str) -> None:
    assert strip_reasoning_tags(text, TAGS) == stripped


def test_tokens_are_joined() -> None:
    joined = general_detokenize("does n't ( say ) \" so \" , he 's .")

    assert joined == "doesn't (say)\"so\", he's."


def test_cache_folders_are_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", "films")

    assert resolve_cache_dir("$PLACE/a", "/base") == "/base/films/a"
    assert resolve_cache_dir("/abs", "/base") == "/abs"
    assert resolve_cache_dir("~/a") == str(Path.home() / "a")


def test_names_of_models_become_file_names() -> None:
    assert sanitize_model_name("hub/org/model:7b") == "org__model__7b"
    assert sanitize_model_name("a/b/c", full_path=True) == "a__b__c"
    assert sanitize_model_name("gpt") == "gpt"


def test_the_most_specific_argument_names_the_model() -> None:
    named = GeneralConfigTracker._get_model_name

    assert named("model=base,peft=mine,device=cpu") == "mine"
    assert named("model_version=x") == "x"
    assert named("device=cpu") == ""
