"""Requests and answers of a completions endpoint, for several prompts at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import ModelError, TransientModelError
from pytest_evalkit.models.openai_answer import usage_of
from pytest_evalkit.models.windows import Tokens
from pytest_evalkit.values import Timing, Usage

# A text, or token ids.
Prompt = str | Tokens


class Completed(NamedTuple):
    """The answer to one prompt.

    Attributes:
        choice: As the endpoint sent it.
        usage: What the whole request cost, with the first of its prompts; None with the
            others, and where the endpoint does not say.
        timing: When the request ran.
    """

    choice: Mapping[str, Any]
    usage: Usage | None
    timing: Timing


def body_of(settings: bytes, prompts: Sequence[Prompt]) -> bytes:
    """Write a request.

    One text stands alone; several prompts, and token ids, stand in a list.

    Args:
        settings: The payload without a prompt, as JSON; an object that is not empty.
        prompts: At least one.
    """
    is_text_alone = len(prompts) == 1 and isinstance(prompts[0], str)
    prompt = encode(prompts[0] if is_text_alone else prompts)
    return settings[:-1] + b',"prompt":' + prompt + b"}"


def completions_in(
    answer: Mapping[str, Any], prompts: int, timing: Timing
) -> list[Completed | ModelError]:
    """Read the answer to a request: for each prompt its own, or why it has none.

    Raises:
        TransientModelError: The answer has no choices, or which belong to which prompts
            is not told.
    """
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices:
        raise TransientModelError(
            f"the endpoint's answer has no choices, only: {', '.join(sorted(answer))}"
        )
    found = [choice for choice in choices if isinstance(choice, dict)]
    if prompts == 1 and found:
        return [Completed(found[0], usage_of(answer), timing)]
    by_index = {str(choice.get("index")): choice for choice in found}
    if len(by_index) != len(choices):
        raise TransientModelError("the endpoint's answer numbers two choices alike")
    usage = [usage_of(answer), *[None] * prompts]
    return [
        Completed(by_index[str(n)], usage[n], timing)
        if str(n) in by_index
        else TransientModelError(f"the endpoint's answer has no choice {n}")
        for n in range(prompts)
    ]


def cut_note(tokens: int) -> str:
    """Say that the beginning of a prompt was left out."""
    return f"the first {tokens} tokens of the prompt were left out: it was too long"
