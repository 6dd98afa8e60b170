from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from pytest_evalkit.evaluate.stored_prompt import stored_prompt


def test_a_short_prompt_is_stored_as_it_is() -> None:
    prompt = [{"role": "user", "content": "x" * 1000}]

    assert stored_prompt(prompt) == prompt


def test_a_long_text_is_told_by_its_ends_and_its_hash() -> None:
    text = "a" * 2000 + "b" * 2000

    (message,) = stored_prompt([{"role": "user", "content": text}])

    assert message["content"] == {
        "start": "a" * 100,
        "end": "b" * 200,
        "characters": 4000,
        "sha256": sha256(text.encode()).hexdigest(),
    }


def test_a_change_in_the_middle_of_a_long_text_shows() -> None:
    before, after = ("a" * 2000 + middle + "a" * 2000 for middle in "xy")

    assert stored_prompt([before]) != stored_prompt([after])


def test_choices_that_share_a_question_have_it_once() -> None:
    assert stored_prompt([("Q:", " A"), ("Q:", " B")]) == {
        "context": "Q:",
        "continuations": [" A", " B"],
    }


@pytest.mark.parametrize("prompt", [[["P", " x"], ["Q", " x"]], [["Q", " A"]], "Q", []])
def test_other_requests_are_stored_one_by_one(prompt: Any) -> None:
    assert stored_prompt(prompt) == prompt
