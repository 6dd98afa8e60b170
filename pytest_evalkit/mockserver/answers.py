"""What the mock server answers when it is started by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.errors import OptionError
from pytest_evalkit.mockserver.payloads import last_user_text
from pytest_evalkit.mockserver.reply import AnswerFunction, Reply


def echo(payload: Mapping[str, Any]) -> str:
    """Answer what the user said last."""
    return last_user_text(payload)


def answers_from(path: Path) -> AnswerFunction:
    """Answer by looking up what the user said last.

    A prompt that the file does not have is an error 400, never an invented answer.

    Args:
        path: JSONL with ``prompt`` and ``answer`` in each row.

    Raises:
        OptionError: The file cannot be read, or a row lacks one of them.
    """
    answers = _read(path)

    def answer(payload: Mapping[str, Any]) -> Reply:
        prompt = last_user_text(payload)
        if prompt not in answers:
            return Reply(text=f"no answer for the prompt {prompt[:80]!r}", status=400)
        return Reply(text=answers[prompt])

    return answer


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise OptionError(f"cannot read {path}: {error.strerror}") from error
    pairs = (
        _pair(f"{path}:{number}", line)
        for number, line in enumerate(lines, start=1)
        if line.strip()
    )
    return dict(pairs)


def _pair(place: str, line: bytes) -> tuple[str, str]:
    try:
        row = decode(line)
    except CodecError as error:
        raise OptionError(f"{place}: {error}") from error
    fields = row if isinstance(row, dict) else {}
    prompt, answer = fields.get("prompt"), fields.get("answer")
    if not isinstance(prompt, str) or not isinstance(answer, str):
        raise OptionError(f"{place}: a row needs the texts 'prompt' and 'answer'")
    return prompt, answer
