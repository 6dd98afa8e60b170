"""Cases in Python: ordinary tests that ask a model."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_evalkit import Message, Model

LIMIT = 200


@pytest.mark.parametrize(("question", "answer"), [("2 + 2", "4"), ("3 * 3", "9")])
def test_sums(model: Model, question: str, answer: str) -> None:
    text = model.ask(f"What is {question}? Answer with the number.", max_tokens=8)

    assert text.strip() == answer


def test_brevity(model: Model, record_score: Callable[[str, float], None]) -> None:
    text = model.ask("Why is the sky blue? Answer in one sentence.")

    record_score("brevity", min(1.0, LIMIT / max(1, len(text))))


@pytest.mark.asyncio
async def test_memory(model: Model) -> None:
    conversation = [
        Message.of_text("user", "Remember the number 4."),
        Message.of_text("assistant", "I shall."),
        Message.of_text("user", "Which number was it? Answer with the number."),
    ]

    response = await model.generate(conversation, temperature=0.0)

    assert response.text.strip() == "4"
