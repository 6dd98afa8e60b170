from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pytest_evalkit.errors import (
    MissingCredentialError,
    OptionError,
    RequestRejectedError,
)
from pytest_evalkit.messages import Message
from pytest_evalkit.models.backend import Backend, rates_texts
from pytest_evalkit.models.judges import make_judge
from pytest_evalkit.models.openai_chat import OpenAIChat
from pytest_evalkit.values import Generate


def shouting(text: str) -> float:
    letters = [letter for letter in text if letter.isalpha()]
    return sum(map(str.isupper, letters)) / len(letters)


NO_FUNCTION = 7


def rated(judge: Backend, text: str) -> str:
    request = Generate(messages=(Message.of_text("user", text),))
    return asyncio.run(judge.generate(request)).text


def test_a_function_rates_texts() -> None:
    judge = make_judge(f"{__name__}:shouting", {})

    assert rates_texts(judge)
    assert rated(judge, "ABcd") == "0.5"
    with pytest.raises(RequestRejectedError, match="raised ZeroDivisionError"):
        rated(judge, "...")


def test_any_model_that_writes_may_judge() -> None:
    judge = make_judge("openai", {"model": "m", "base_url": "http://localhost:1/v1"})

    assert isinstance(judge, OpenAIChat)
    assert not rates_texts(judge)


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("perspektive", {}, "unknown judge 'perspektive'; did you mean 'perspective'?"),
        ("openai", {"modle": "m"}, "judge 'openai' takes no argument 'modle'; did you"),
        ("classifier", {}, "judge 'classifier' needs --judge-args pretrained=..."),
        (
            f"{__name__}:shouting",
            {"loud": 1},
            "is a function, which takes no --judge-a",
        ),
        (f"{__name__}:NO_FUNCTION", {}, "NO_FUNCTION' is a int, not a class"),
        (f"{__name__}:shoutin", {}, "did you mean 'shouting'"),
    ],
)
def test_a_judge_that_cannot_be_made_is_an_error_that_says_so(
    name: str, args: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError) as failure:
        make_judge(name, args)

    assert message in str(failure.value)


def test_perspective_without_a_key_lacks_a_credential(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PERSPECTIVE_API_KEY", raising=False)

    with pytest.raises(MissingCredentialError, match="set PERSPECTIVE_API_KEY"):
        make_judge("perspective", {})
